"""Who a host is: what a play has to know before anything is installed on it, found without any program."""

from __future__ import annotations

import os
import pwd
import socket
from dataclasses import dataclass
from pathlib import Path

# TEST-NET-1 (RFC 5737): nothing is sent, connecting a datagram socket only asks the kernel for a route.
ELSEWHERE = ("192.0.2.254", 9)


@dataclass(frozen=True)
class Identity:
    """``address`` is the IPv4 address of the default route, ``home`` the connecting user's home folder."""

    address: str
    name: str
    home: str


def identity() -> Identity:
    """The identity of this host, for the user who asks."""
    home = os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    return Identity(default_address(), socket.gethostname().lower(), str(Path(home)))


def default_address() -> str:
    """IPv4 address with which this host reaches others; the loopback address where it has no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
