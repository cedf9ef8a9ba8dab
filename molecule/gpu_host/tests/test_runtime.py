"""Facts about the container runtime, asked of the daemons that run. No card: no container is given one."""

from __future__ import annotations

import json
import tomllib

import pytest

testinfra_hosts = ["ansible://runtime"]
BINARY = "/var/lib/harvis/nvidia-container-toolkit/nvidia-container-runtime"
CRI = "io.containerd.grpc.v1.cri"


def containerd(host):
    """The merged configuration, as the program that runs reads it."""
    return tomllib.loads(host.check_output("containerd config dump"))["plugins"][CRI]


def docker(host):
    return json.loads(host.check_output("docker info --format '{{json .}}'"))


def test_containerd_has_the_handler(host):
    handler = containerd(host)["containerd"]["runtimes"]["nvidia"]
    assert (handler["runtime_type"], handler["options"]["BinaryName"]) == ("io.containerd.runc.v2", BINARY)


def test_containerd_serves_pods(host):
    rows = [line.split() for line in host.check_output("ctr plugins ls").splitlines()]
    assert [row[-1] for row in rows if row[1] == "cri"] == ["ok"]


def test_containerd_kept_what_was_there(host):
    text = host.file("/etc/containerd/config.toml").content_string
    assert "# Kept by whoever runs this host." in text
    assert 'sandbox_image = "registry.example/pause:3"  # ours' in text
    assert containerd(host)["containerd"]["default_runtime_name"] == "runc"


def test_docker_runs_with_it_as_default(host):
    said = docker(host)
    assert (said["DefaultRuntime"], said["Runtimes"]["nvidia"]["path"]) == ("nvidia", BINARY)


def test_docker_kept_what_was_there(host):
    assert docker(host)["Labels"] == ["rack=7"]
    assert json.loads(host.file("/etc/docker/daemon.json").content_string)["max-concurrent-downloads"] == 2


@pytest.mark.parametrize("path", ["/etc/containerd/config.toml", "/etc/docker/daemon.json"])
def test_mode_is_as_it_was(host, path):
    assert host.file(path).mode == 0o640


def test_toolkit_says_its_version(host):
    assert "version 1.20.1" in host.check_output("nvidia-ctk --version")


@pytest.fixture
def image(host):
    """The smallest that runs a program."""
    files = "/usr/bin/true /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6"
    host.check_output(f"tar --create --dereference --file - {files} 2>/dev/null | docker import - tiny")
    yield "tiny"
    host.check_output("docker rmi tiny")


def test_a_container_without_a_gpu_starts_through_the_runtime(host, image):
    """It hands over to runc; with a GPU it would edit the container first. Without the program nothing starts."""
    start = f"docker run --rm --network none {image} /usr/bin/true"
    assert host.run(start).rc == 0
    host.check_output(f"mv {BINARY} {BINARY}.away")
    try:
        assert host.run(start).rc != 0
    finally:
        host.check_output(f"mv {BINARY}.away {BINARY}")
