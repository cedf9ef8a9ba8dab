"""Signs of life: when they come, what they say, that they end with the task and never end the run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.callback.progress import Watch, clock_face, last_line

COLLECTIONS = Path(__file__).resolve().parents[7]


@pytest.mark.parametrize(("seconds", "face"), [(0, "0:00"), (9.9, "0:09"), (100, "1:40"), (3725, "62:05")])
def test_time_is_shown_in_minutes_and_seconds(seconds: float, face: str) -> None:
    assert clock_face(seconds) == face


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo\n", "two"),
        ("one\n\n  \n", "one"),
        ("10%\r50%\r90%", "90%"),
        ("\x1b[32mgreen\x1b[0m\n", "green"),
        ("GET https://user:secret@proxy/x\n", "GET https://********@proxy/x"),
        ("x" * 9000 + "\nlast\n", "last"),
        ("", ""),
    ],
)
def test_the_last_line_of_a_log(tmp_path: Path, text: str, line: str) -> None:
    log = tmp_path / "build.log"
    log.write_bytes(text.encode())

    assert last_line(log) == line


def test_of_a_folder_the_newest_log_speaks(tmp_path: Path) -> None:
    for age, name in enumerate(("new.log", "old.log", "newest.txt")):
        (tmp_path / name).write_text(f"from {name}\n")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))

    assert last_line(tmp_path) == "from new.log"


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert last_line(tmp_path / "none.log") == ""
    assert last_line(tmp_path) == ""


class Shown:
    """Collects lines; a test waits for the number that it expects."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = threading.Condition()

    def __call__(self, line: str) -> None:
        with self._more:
            self.lines.append(line)
            self._more.notify()

    def wait_for(self, count: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.lines) >= count, timeout=5), self.lines


def test_a_long_step_is_told_again_and_again_with_its_log(tmp_path: Path) -> None:
    shown, log = Shown(), tmp_path / "x.log"
    log.write_text("compiling\n")
    watch = Watch(shown, first_after=0.02, interval=0.02)

    watch.begin("build")
    watch.read([log])
    shown.wait_for(3)
    watch.stop()

    assert set(shown.lines) == {"… build: 0:00, compiling"}


def test_a_step_that_has_ended_is_told_no_more() -> None:
    shown = Shown()
    watch = Watch(shown, first_after=0.02, interval=0.02)

    watch.begin("first")
    shown.wait_for(1)
    watch.begin("second")
    before = len(shown.lines)
    shown.wait_for(before + 2)
    watch.stop()
    at_the_end = list(shown.lines)

    assert set(at_the_end[before:]) == {"… second: 0:00"}
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]
    assert shown.lines == at_the_end


def test_a_short_step_and_a_silent_one_are_not_told() -> None:
    shown = Shown()
    watch = Watch(shown, first_after=0.05, interval=0.01)

    watch.begin("short")
    watch.begin("asks a question", silent=True)
    threading.Event().wait(0.12)
    watch.stop()

    assert shown.lines == []


def test_a_line_that_cannot_be_shown_does_not_end_the_watch() -> None:
    calls = threading.Semaphore(0)

    def broken(_: str) -> None:
        calls.release()
        raise BrokenPipeError

    watch = Watch(broken, first_after=0.01, interval=0.01)
    watch.begin("x")
    assert calls.acquire(timeout=5)
    assert calls.acquire(timeout=5), "it was shown once and never again"
    watch.stop()


def test_the_longest_steps_are_known() -> None:
    now = iter([0.0, 0.5, 10.5, 13.5, 20.5])
    watch = Watch(lambda _: None, first_after=99, interval=99, clock=lambda: next(now, 99.0))
    watch.begin("short", silent=True)
    watch.begin("ten", silent=True)
    watch.begin("three", silent=True)
    watch.begin("seven", silent=True)
    watch.stop()

    assert watch.longest(2) == [(10.0, "ten"), (7.0, "seven")]
    assert watch.longest(9) == [(10.0, "ten"), (7.0, "seven"), (3.0, "three")]


PLAY = """
- hosts: localhost
  gather_facts: false
  vars: {folder: "{{ playbook_dir }}"}
  tasks:
    - name: Long step
      ansible.builtin.include_role: {name: none}
      when: false
    - name: Slow step
      logging: {log: "{{ folder }}/slow.log"}
"""
MODULE = """#!/usr/bin/python
import time
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule(argument_spec={"log": {"type": "path"}})
time.sleep(1.2)
module.exit_json(changed=False)
"""


def play(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "library").mkdir()
    (tmp_path / "library/logging.py").write_text(MODULE)
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "slow.log").write_text("step 3 of 7\n")
    given = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CALLBACKS_ENABLED": "harvis.platform.progress",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp"),
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        **environment,
    }
    program = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", "play.yml"]
    return subprocess.run(program, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=120)


def test_in_a_real_run(tmp_path: Path) -> None:
    done = play(tmp_path, HARVIS_PROGRESS_FIRST_AFTER="0.4", HARVIS_PROGRESS_INTERVAL="0.4")

    assert done.returncode == 0, done.stderr
    assert "… Slow step: 0:00, step 3 of 7\n" in done.stdout
    recap = done.stdout.rpartition("PLAY RECAP")[2]
    assert recap.count("changed=") == 1, "nothing after the recap may look like one"
    assert "Longest tasks\n" in recap
    assert recap.rstrip().endswith("s  Slow step")
    assert "\x1b[" not in done.stdout


def test_a_setting_that_is_none_does_not_stop_a_run(tmp_path: Path) -> None:
    done = play(tmp_path, HARVIS_PROGRESS_LONGEST="0", HARVIS_PROGRESS_FIRST_AFTER="100")

    assert done.returncode == 0, done.stderr
    assert "Longest tasks" not in done.stdout
    assert "… " not in done.stdout
