"""The host's virtualenv: made once, made anew when its requirements change, never left half made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult, ProcessError
from ansible_collections.harvis.platform.plugins.module_utils.virtualenv import Virtualenv


@dataclass
class FakeRunner:
    """Makes the interpreter that ``python -m venv`` would make; ``output`` makes pip fail with it."""

    output: str = ""
    commands: list[list[str]] = field(default_factory=list)

    def run(self, argv, **_options):
        self.commands.append([str(a) for a in argv])
        if argv[2] == "venv":
            (Path(argv[3]) / "bin").mkdir(parents=True)
            (Path(argv[3]) / "bin/python").touch()
        elif self.output:
            raise ProcessError(*fail("PLB-PROCESS", "pip", "exit status 1", evidence=self.output).findings)
        return CommandResult(tuple(argv), 0, "", "")


def wanted(tmp_path: Path, runner: FakeRunner, text: str = "docker==7\n") -> Virtualenv:
    (tmp_path / "host.txt").write_text(text)
    return Virtualenv(tmp_path / "venv", tmp_path / "host.txt", runner)


def test_it_is_ready_once_made(tmp_path):
    venv = wanted(tmp_path, FakeRunner())
    assert not venv.is_ready()
    venv.make()
    assert venv.is_ready()


def test_hashes_are_required(tmp_path):
    runner = FakeRunner()
    wanted(tmp_path, runner).make()
    assert "--require-hashes" in runner.commands[1]


def test_other_requirements_make_it_anew(tmp_path):
    wanted(tmp_path, FakeRunner()).make()
    assert not wanted(tmp_path, FakeRunner(), "docker==8\n").is_ready()


@pytest.mark.parametrize(
    ("output", "code"),
    [("SSLError: CERTIFICATE_VERIFY_FAILED", "NET-TLS"), ("No space left on device", "PLB-PROCESS")],
)
def test_failed_install_is_named_and_not_taken_as_ready(tmp_path, output, code):
    venv = wanted(tmp_path, FakeRunner(output))
    with pytest.raises(HarvisError) as caught:
        venv.make()
    assert [f.code for f in caught.value.findings] == [code]
    assert not venv.is_ready()
