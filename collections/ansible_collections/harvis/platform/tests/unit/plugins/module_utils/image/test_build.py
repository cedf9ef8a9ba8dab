from __future__ import annotations

import json
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.build import PROXY_VARIABLES, Builder, build_argv
from ansible_collections.harvis.platform.plugins.module_utils.image.cli import BuildCli, find_build_cli
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import DockerDaemon
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.image.secrets import build_secrets
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec, Prepared, Sources
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

Tree = t.Callable[[dict[str, str]], Path]
CLI = BuildCli("/usr/bin/docker", "20.10.24", "built-in")
HEAD = ["/usr/bin/docker", "build", "--progress=plain", "--file", "/w/Dockerfile"]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("spec", "options", "expected"),
    [
        (ImageSpec("x"), {}, []),
        (ImageSpec("x"), {"reference": Reference("r/x", "t")}, ["--tag", "r/x:t"]),
        (ImageSpec("x"), {"network": "host"}, ["--network", "host"]),
        (ImageSpec("x"), {"network": "default"}, []),
        (ImageSpec("x", target="final"), {}, ["--target", "final"]),
        (ImageSpec("x", target="final"), {"target": "check"}, ["--target", "check"]),
        (
            ImageSpec("x", build_args={"Z": "a b", "A": ""}, base=Reference("r/d", "t")),
            {},
            ["--build-arg", "A=", "--build-arg", "BASE=r/d:t", "--build-arg", "Z=a b"],
        ),
        (ImageSpec("x"), {"secrets": {"ca": Path("/ca.pem")}}, ["--secret", "id=ca,src=/ca.pem"]),
    ],
)
def test_the_command(spec: ImageSpec, options: dict[str, t.Any], expected: list[str]) -> None:
    assert build_argv(CLI, Path("/w"), spec, **options) == [*HEAD, *expected, "/w/context"]


def test_a_proxy_is_handed_on_by_name_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example.org")
    assert build_argv(CLI, Path("/w"), ImageSpec("x")) == [*HEAD, "--build-arg", "https_proxy", "/w/context"]


def test_secrets_that_are_not_there_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").write_text("ca")
    (tmp_path / "settings.xml").write_text("<settings/>")
    (tmp_path / "empty").write_text("")
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    others = {"maven": str(tmp_path / "settings.xml"), "gone": str(tmp_path / "gone"), "void": str(tmp_path / "empty")}
    found = build_secrets(str(tmp_path / "ca.pem"), str(tmp_path / "pip.conf"), others)
    assert found == {"ca": tmp_path / "ca.pem", "maven": tmp_path / "settings.xml"}


def test_pips_own_configuration_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pip.conf").write_text("[global]\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert build_secrets(None, None)["pip"] == tmp_path / "pip.conf"


@pytest.fixture
def make_builder(real_daemon: DockerDaemon, tmp_path: Path) -> t.Callable[..., Builder]:
    def make(**secrets: Path) -> Builder:
        try:
            cli = find_build_cli(SystemRunner())
        except ImageError as exc:
            pytest.skip(exc.findings[0].cause)
        folders = (tmp_path / "src", tmp_path / "log")
        return Builder(cli, real_daemon.host, SystemRunner(), *folders, secrets, network="none")

    return make


def prepare(context: Path, spec: ImageSpec) -> Prepared:
    return Sources(context, context / "Dockerfile").prepare(spec)


def build(builder: Builder, context: Path, spec: ImageSpec) -> Reference:
    prepared = prepare(context, spec)
    archive = builder.log_dir.parent / "sources.tar"
    prepared.write(archive)
    reference = Reference.of_content("harvis.test", spec.name, prepared.digest)
    builder.build(spec, reference, archive, prepared.dockerfile)
    return reference


def run(builder: Builder, reference: Reference, *command: str) -> str:
    return subprocess.run(
        [builder.cli.path, "run", "--rm", "--network=none", str(reference), *command],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


MARK = b"HARVIS-SECRET-MARK"
USES_SECRET = "ARG BASE\nFROM ${BASE}\nRUN --mount=type=secret,id=ca "


def traces(saved: Path) -> list[str]:
    """Every file of every layer that holds the secret, and the image's own documents that do."""
    found: list[str] = []
    with tarfile.open(saved) as outer:
        manifest = json.load(t.cast("t.IO[bytes]", outer.extractfile("manifest.json")))
        for layer in manifest[0]["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                files = [member for member in inner if member.isfile()]
                found += [file.name for file in files if MARK in t.cast("t.IO[bytes]", inner.extractfile(file)).read()]
        if MARK in t.cast("t.IO[bytes]", outer.extractfile(manifest[0]["Config"])).read():
            found.append("config")
    return found


@pytest.mark.docker
@pytest.mark.parametrize(
    ("step", "expected"),
    [("sha256sum < /run/secrets/ca > /seen", []), ("cat /run/secrets/ca > /leaked", ["leaked"])],
    ids=["used", "leaked, to see that a leak would be found"],
)
def test_a_secret_reaches_the_build_and_no_layer(
    make_builder: t.Callable[..., Builder],
    real_daemon: DockerDaemon,
    tiny_base: Reference,
    tree: Tree,
    tmp_path: Path,
    step: str,
    expected: list[str],
) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(b"-----BEGIN CERTIFICATE-----\n" + MARK + b"\n-----END CERTIFICATE-----\n")
    # Secrets are no part of BuildKit's cache key: without a new step an earlier result would be taken.
    context = tree({"Dockerfile": f"{USES_SECRET}{step} && : {tmp_path.name}\n"})
    builder = make_builder(ca=ca)
    reference = build(builder, context, ImageSpec("secret", base=tiny_base))
    saved = tmp_path / "image.tar"
    real_daemon.save([reference], saved)
    assert traces(saved) == expected
    if not expected:
        digest = subprocess.run(["sha256sum", ca], capture_output=True, text=True, check=True).stdout.split()[0]
        assert run(builder, reference, "cat", "/seen").split()[0] == digest


@pytest.mark.docker
def test_a_change_of_same_size_is_built(
    make_builder: t.Callable[..., Builder], tiny_base: Reference, tree: Tree
) -> None:
    builder, spec = make_builder(), ImageSpec("resize", base=tiny_base)
    files = {"Dockerfile": "ARG BASE\nFROM ${BASE}\nCOPY a /a\n", "a": "one"}
    first = build(builder, tree(files), spec)
    second = build(builder, tree({**files, "a": "two"}), spec)
    assert [run(builder, reference, "cat", "/a") for reference in (first, second)] == ["one", "two"]


@pytest.mark.docker
def test_a_build_of_nothing_new_is_the_same_image(
    make_builder: t.Callable[..., Builder], real_daemon: DockerDaemon, tiny_base: Reference, tree: Tree
) -> None:
    builder, spec = make_builder(), ImageSpec("again", base=tiny_base)
    context = tree({"Dockerfile": "ARG BASE\nFROM ${BASE}\nCOPY a /a\n", "a": "one"})
    found = [real_daemon.find(build(builder, context, spec)) for _ in range(2)]
    assert found[0] is not None
    assert found[0] == found[1]
    assert not list(builder.work_dir.iterdir()), "the laid out sources were left behind"


BROKEN = [
    ("FRM x\n", "Dockerfile:1", "unknown instruction: FRM"),
    ("ARG BASE\nFROM ${BASE}\n\nCOPY a\n", "Dockerfile:4", "COPY requires at least two arguments"),
    ("ARG BASE\nFROM ${BASE}\nRUN --mount=type=nonsense true\n", "Dockerfile", "unsupported mount type"),
]


@pytest.mark.docker
@pytest.mark.parametrize(("text", "subject", "cause"), BROKEN)
def test_a_dockerfile_that_does_not_parse_is_found_without_building(
    make_builder: t.Callable[..., Builder], tiny_base: Reference, text: str, subject: str, cause: str
) -> None:
    with pytest.raises(ImageError) as caught:
        make_builder().check_dockerfile(ImageSpec("broken", base=tiny_base), text)
    finding = caught.value.findings[0]
    assert finding.code == "IMG-BUILD"
    assert finding.subject.startswith(f"broken: {subject}")
    assert cause in finding.cause


@pytest.mark.docker
def test_a_dockerfile_that_parses_passes_although_its_base_is_nowhere(make_builder: t.Callable[..., Builder]) -> None:
    make_builder().check_dockerfile(ImageSpec("x"), "FROM registry.invalid/nobody/nothing:1 AS a\nRUN false\n")


@pytest.mark.docker
@pytest.mark.parametrize(
    ("step", "line", "cause"),
    [
        ("RUN echo one && \\\n    echo the-reason >&2 && exit 3", 4, "exit code: 3"),
        ("COPY gone /x", 4, "/gone"),
    ],
)
def test_a_failing_step_is_named(
    make_builder: t.Callable[..., Builder], tiny_base: Reference, tree: Tree, step: str, line: int, cause: str
) -> None:
    context = tree({"Dockerfile": f"ARG BASE\nFROM ${{BASE}}\n# a comment\n{step}\n", "a": "a"})
    builder = make_builder()
    with pytest.raises(ImageError) as caught:
        build(builder, context, ImageSpec("failing", base=tiny_base))
    finding = caught.value.findings[0]
    assert finding.code == "IMG-BUILD"
    assert finding.subject == f"failing: Dockerfile:{line}"
    assert cause in finding.cause
    assert "[2/2]" in finding.cause
    assert str(builder.log_dir / "failing.log") in finding.fix
    assert not list(builder.work_dir.iterdir())
