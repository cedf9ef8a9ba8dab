"""Who a host is, against what the kernel says."""

from __future__ import annotations

import socket

from ansible_collections.harvis.platform.plugins.module_utils.preflight import identity as concept


def test_address_is_one_of_this_host():
    with socket.socket() as server:
        server.bind((concept.default_address(), 0))


def test_a_host_without_a_route_is_on_loopback(monkeypatch):
    class Unrouted(socket.socket):
        def connect(self, _address):
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(concept.socket, "socket", Unrouted)
    assert concept.default_address() == "127.0.0.1"


def test_home_is_the_users(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert concept.identity() == concept.Identity(
        concept.default_address(), socket.gethostname().lower(), "/home/somebody"
    )
