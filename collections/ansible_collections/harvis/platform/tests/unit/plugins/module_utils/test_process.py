"""Running programs: what goes in, what comes back, what is said when it goes wrong."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils import process
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import (
    CommandResult,
    ProcessError,
    SystemRunner,
)
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

ECHO = "import json, os, sys; print(json.dumps([sys.argv[1:], sys.stdin.read(), os.getcwd(), os.environ.get('ADDED')]))"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_arguments_input_folder_and_environment_arrive_unchanged(tmp_path: Path) -> None:
    arguments = ["$HOME", "~", "a b", "'\"", "*"]

    done = SystemRunner().run(python(ECHO, *arguments), stdin="text", cwd=tmp_path, env={"ADDED": "yes"})

    assert json.loads(done.stdout) == [arguments, "text", str(tmp_path), "yes"]
    assert (done.argv, done.rc, done.stderr) == (tuple(python(ECHO, *arguments)), 0, "")


def test_without_input_a_program_reads_nothing() -> None:
    assert json.loads(SystemRunner().run(python(ECHO)).stdout)[1] == ""


def test_an_open_file_is_input(tmp_path: Path) -> None:
    (tmp_path / "input").write_text("from a file")

    with (tmp_path / "input").open("rb") as file:
        assert json.loads(SystemRunner().run(python(ECHO), stdin=file).stdout)[1] == "from a file"


FAILING = "import sys; print('out'); print('first\\nlast', file=sys.stderr); sys.exit(3)"


def test_a_failure_says_status_and_last_lines() -> None:
    with pytest.raises(ProcessError) as caught:
        SystemRunner().run(python(FAILING))
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject, finding.cause) == ("PLB-PROCESS", sys.executable, "exit status 3")
    assert finding.evidence == f"{' '.join(python(FAILING))}\nfirst\nlast"


def test_a_failure_that_is_expected_is_a_result() -> None:
    done = SystemRunner().run(python(FAILING), check=False)

    assert (done.rc, done.stdout, done.stderr) == (3, "out\n", "first\nlast\n")


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ProcessError, match="PLB-PROCESS /nonexistent/helm: cannot be started: No such file") as caught:
        SystemRunner().run(["/nonexistent/helm", "list"])
    assert caught.value.findings[0].fix == "Install /nonexistent/helm."


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(ProcessError, match="did not end within 0 s"):
        SystemRunner().run(python("import time; time.sleep(60)"), timeout=0.2)


SECRET = "hunter2"


def test_secrets_are_blanked_from_all_that_comes_back(tmp_path: Path) -> None:
    runner = SystemRunner(secrets=("", SECRET))
    leak = "import os, sys; print(os.environ['S']); print(os.environ['S'], file=sys.stderr); sys.exit(int(sys.argv[1]))"

    done = runner.run(python(leak, "0"), env={"S": f"<{SECRET}>"})
    with pytest.raises(ProcessError) as caught:
        runner.run(python(leak, "1"), env={"S": SECRET})
    logged = runner.run(python(leak, "0"), env={"S": SECRET}, log=tmp_path / "log")

    assert (done.stdout, done.stderr) == ("<********>\n", "<********>\n")
    assert SECRET not in str(caught.value.to_result())
    assert logged.stdout == "********\n********\n"


def test_a_log_receives_both_streams(tmp_path: Path) -> None:
    log = tmp_path / "new" / "log"

    with pytest.raises(ProcessError, match="first\nlast"):
        SystemRunner().run(python(FAILING), log=log)
    assert sorted(log.read_text().split()) == ["first", "last", "out"]


TAILS = [
    (CommandResult((), 1, "out", "err\n"), "err"),
    (CommandResult((), 1, "out\n", " \n"), "out"),
    (CommandResult((), 1, "", ""), ""),
    (CommandResult((), 1, "", "\n".join(map(str, range(100)))), "\n".join(map(str, range(75, 100)))),
]


@pytest.mark.parametrize(("result", "tail"), TAILS, ids=["stderr", "stdout", "silent", "long"])
def test_the_tail_is_what_a_person_would_look_at(result: CommandResult, tail: str) -> None:
    assert result.tail == tail


def test_output_that_is_no_text_is_still_shown() -> None:
    done = SystemRunner().run(python("import sys; sys.stdout.buffer.write(b'a\\xffb')"))

    assert done.stdout == "a\ufffdb"


def module(outcome: object) -> dict[str, object]:
    def call(_: AnsibleModule) -> dict[str, object]:
        if isinstance(outcome, Exception):
            raise outcome
        return {"changed": outcome}

    return run_main(lambda: run_module({}, call), {})


def test_a_module_returns_what_its_concept_returned() -> None:
    assert module(True)["changed"] is True


def test_a_module_fails_with_findings() -> None:
    result = module(fail("NET-PORT", "port 1", "is held"))

    assert (result["failed"], result["msg"]) == (True, "NET-PORT port 1: is held")
    assert result["findings"] == [fail("NET-PORT", "port 1", "is held").findings[0].to_dict()]


def test_a_missing_library_is_a_finding() -> None:
    result = module(ModuleNotFoundError("no", name="kubernetes.client"))

    (finding,) = result["findings"]  # type: ignore[misc]
    assert (finding["code"], finding["subject"], result["failed"]) == ("PLB-LIBRARY", "kubernetes", True)
    assert "make up" in finding["fix"]


def test_a_program_that_is_asked_to_stop_ends_in_its_own_way() -> None:
    code = "import signal, sys, time; signal.signal(2, lambda *_: sys.exit(7)); print(sys.stdin.read(), flush=True)"
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()

    done = SystemRunner().run(python(f"{code}; time.sleep(60)"), stdin="values", check=False, stop=stop)

    assert (done.rc, done.stdout) == (7, "values\n")


def test_a_program_that_nobody_stops_runs_to_its_end() -> None:
    done = SystemRunner(("hush",)).run(["sh", "-c", "cat; echo hush >&2"], stdin="a" * 200_000, stop=threading.Event())

    assert (done.rc, len(done.stdout), done.stderr) == (0, 200_000, "********\n")


def test_a_program_that_does_not_stop_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.5)
    stop = threading.Event()
    stop.set()

    with pytest.raises(ProcessError, match="did not end"):
        SystemRunner().run(["sh", "-c", "trap '' INT; while :; do sleep 1; done"], timeout=30, stop=stop)
