from __future__ import annotations

import shutil
import socket
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import DockerDaemon, connect
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.docker_env import DockerEnvDestination
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.item import Delivered, Item
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.task import cluster_environment
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError, image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference

X = Reference("h/x", "sha256-1")


def no_daemon() -> t.Any:
    raise image_error("IMG-DOCKER", "tcp://x", "no daemon answers there")


def destination(cluster: t.Any, default: t.Any, folder: Path) -> DockerEnvDestination:
    return DockerEnvDestination(lambda: cluster, lambda: default, folder / "work")


def test_an_image_on_the_default_daemon_is_brought_over(daemon: t.Any, other_daemon: t.Any, tmp_path: Path) -> None:
    daemon.have(str(X), "sha256:a")
    target = destination(other_daemon, daemon, tmp_path)
    assert target.deliver([Item(X)], check_mode=False) == [Delivered(X, X, "sha256:a", True)]
    assert target.deliver([Item(X)], check_mode=False) == [Delivered(X, X, "sha256:a", False)]
    assert list((tmp_path / "work").iterdir()) == [], "the image on its way was left behind"


def test_another_image_of_that_name_is_replaced(daemon: t.Any, other_daemon: t.Any, tmp_path: Path) -> None:
    daemon.have(str(X), "sha256:new")
    other_daemon.have(str(X), "sha256:old")
    assert destination(other_daemon, daemon, tmp_path).deliver([Item(X)], check_mode=False)[0].changed is True
    assert other_daemon.find(X).id == "sha256:new"


def test_check_mode_only_looks(daemon: t.Any, other_daemon: t.Any, tmp_path: Path) -> None:
    daemon.have(str(X), "sha256:a")
    assert destination(other_daemon, daemon, tmp_path).deliver([Item(X)], check_mode=True)[0].changed is True
    assert (other_daemon.images, daemon.log) == ({}, [])


def test_an_image_built_on_the_clusters_daemon_is_right_as_it_is(other_daemon: t.Any, tmp_path: Path) -> None:
    other_daemon.have(str(X), "sha256:a")
    target = DockerEnvDestination(lambda: other_daemon, no_daemon, tmp_path)
    assert target.deliver([Item(X)], check_mode=False)[0].changed is False


def test_an_image_would_stay_on_the_wrong_daemon(daemon: t.Any, tmp_path: Path) -> None:
    daemon.have(str(X))
    target = DockerEnvDestination(no_daemon, lambda: daemon, tmp_path)
    with pytest.raises(ImageError, match="would be left on this host's daemon") as caught:
        target.deliver([Item(X)], check_mode=True)
    assert (caught.value.findings[0].code, caught.value.findings[0].subject) == ("IMG-DAEMON", str(X))


def test_a_load_that_has_no_effect_is_noticed(daemon: t.Any, other_daemon: t.Any, tmp_path: Path) -> None:
    daemon.have(str(X))
    other_daemon.load = lambda _archive: None
    with pytest.raises(ImageError, match="although it was loaded there") as caught:
        destination(other_daemon, daemon, tmp_path).deliver([Item(X)], check_mode=False)
    assert caught.value.findings[0].code == "IMG-DAEMON"


def test_an_image_that_is_nowhere(daemon: t.Any, other_daemon: t.Any, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"neither on tcp://192\.0\.2\.7:2376 nor on this host's daemon") as caught:
        destination(other_daemon, daemon, tmp_path).deliver([Item(X)], check_mode=False)
    assert caught.value.findings[0].code == "IMG-MISSING"


def test_check_mode_expects_what_an_earlier_task_would_have_made(
    daemon: t.Any, other_daemon: t.Any, tmp_path: Path
) -> None:
    target = destination(other_daemon, daemon, tmp_path)
    assert target.deliver([Item(X)], check_mode=True) == [Delivered(X, X, "", True)]


def test_the_clusters_address_has_to_be_given() -> None:
    given = {"DOCKER_HOST": "tcp://a:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c", "PATH": "/bin"}
    assert cluster_environment(given) == {name: given[name] for name in given if name != "PATH"}
    with pytest.raises(ImageError, match="does not name the cluster's daemon"):
        cluster_environment({"DOCKER_TLS_VERIFY": "1"})


# --- on a second, real daemon behind TLS ---------------------------------------------------------------------------


def openssl(folder: Path, *args: str) -> None:
    subprocess.run(["openssl", *args], cwd=folder, capture_output=True, check=True)


def make_certificates(folder: Path) -> None:
    """A CA, and one certificate that serves as the daemon's and as the client's."""
    folder.mkdir()
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    new = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl(folder, "req", "-x509", *new, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=test ca")
    openssl(folder, "req", *new, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=test")
    signing = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2", "-extfile", "ext"]
    openssl(folder, "x509", "-req", "-in", "request", *signing, "-out", "cert.pem")


@pytest.fixture
def bridge() -> t.Iterator[str]:
    """A bridge for the second daemon: one that is told to have none deletes docker0, whosever it is."""
    name = f"harvis{time.time_ns() % 10**8}"
    made = subprocess.run(["ip", "link", "add", name, "type", "bridge"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"a bridge cannot be made here: {made.stderr.decode()}")
    yield name
    subprocess.run(["ip", "link", "delete", name], check=True)


@pytest.fixture
def second_daemon(tmp_path: Path, bridge: str) -> t.Iterator[dict[str, str]]:
    """What ``minikube docker-env`` would print for a daemon that is started for the test."""
    program, ssl = shutil.which("dockerd") or "/usr/sbin/dockerd", shutil.which("openssl")
    if not Path(program).is_file() or ssl is None:
        pytest.skip("dockerd and openssl are not installed")
    certificates = tmp_path / "certificates"
    make_certificates(certificates)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # containerd's socket lies below: its path may have 107 characters at most.
    folder = Path("/var/tmp") / f"harvis-test-dockerd-{time.time_ns()}"
    argv = [program, "--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid"]
    argv += [
        "--host",
        f"tcp://127.0.0.1:{port}",
        f"--bridge={bridge}",
        "--iptables=false",
        "--ip-forward=false",
        "--tlsverify",
    ]
    argv += ["--tlscacert", certificates / "ca.pem", "--tlscert", certificates / "cert.pem"]
    argv += ["--tlskey", certificates / "key.pem", "--config-file", certificates / "none.json"]
    (certificates / "none.json").write_text("{}")
    folder.mkdir(mode=0o700)
    settings = {
        "DOCKER_HOST": f"tcp://127.0.0.1:{port}",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(certificates),
    }
    with (folder / "log").open("wb") as log, subprocess.Popen(list(map(str, argv)), stdout=log, stderr=log) as process:
        try:
            if not _answers(settings, process):
                pytest.skip(f"a second dockerd does not start here: {(folder / 'log').read_text()[-300:]}")
            yield settings
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def _answers(settings: dict[str, str], process: subprocess.Popen[bytes]) -> bool:
    for _attempt in range(150):
        if process.poll() is not None:
            return False
        try:
            connect(environment=settings)
        except ImageError:
            time.sleep(0.2)
        else:
            return True
    return False


@pytest.mark.docker
def test_an_image_reaches_a_daemon_behind_tls(
    second_daemon: dict[str, str], real_daemon: DockerDaemon, tiny_base: Reference, tmp_path: Path
) -> None:
    target = DockerEnvDestination(lambda: connect(environment=second_daemon), lambda: real_daemon, tmp_path)
    found = real_daemon.find(tiny_base)
    assert found is not None
    for changed in (True, False):
        assert target.deliver([Item(tiny_base)], check_mode=False) == [
            Delivered(tiny_base, tiny_base, found.id, changed)
        ]
    there = connect(environment=second_daemon).find(tiny_base)
    assert there is not None
    assert there.id == found.id
    without_tls = {"DOCKER_HOST": second_daemon["DOCKER_HOST"]}
    wrong = DockerEnvDestination(lambda: connect(environment=without_tls), lambda: real_daemon, tmp_path)
    with pytest.raises(ImageError, match="would be left on this host's daemon"):
        wrong.deliver([Item(tiny_base)], check_mode=False)
