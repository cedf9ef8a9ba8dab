# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sign of life from long tasks, and where the time went."""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible.plugins.callback import CallbackBase
from ansible.template import Templar

DOCUMENTATION = r"""
name: progress
type: aggregate
short_description: Show that long tasks are alive, and which tasks took longest
version_added: 0.1.0
description:
  - Prints a line now and then while a task runs long, with the time it has taken and, where the task has a C(log) or
    C(log_dir) argument whose files can be read on this machine, the log's last line.
  - Names the longest tasks at the end of the run.
  - Prints plain lines, so that it reads the same in a terminal and in a CI log. It never makes a run fail.
requirements:
  - enabled in C(callbacks_enabled)
options:
  first_after:
    description: Seconds before a task's first line.
    type: float
    default: 15
    ini: [{section: callback_progress, key: first_after}]
    env: [{name: HARVIS_PROGRESS_FIRST_AFTER}]
  interval:
    description: Seconds between a task's lines.
    type: float
    default: 20
    ini: [{section: callback_progress, key: interval}]
    env: [{name: HARVIS_PROGRESS_INTERVAL}]
  longest:
    description: How many of the longest tasks are named at the end; V(0) names none.
    type: int
    default: 5
    ini: [{section: callback_progress, key: longest}]
    env: [{name: HARVIS_PROGRESS_LONGEST}]
author: Harvis Platform maintainers
"""

LOG_ARGUMENTS = ("log", "log_dir")
ASKING = ("pause", "ansible.builtin.pause", "ansible.legacy.pause")
TAIL_BYTES = 4096
WIDTH = 160
LEAST_SECONDS = 1.0
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_USER_INFO = re.compile(r"://[^/@\s]+@")


@dataclass
class Step:
    """A task under way. ``logs`` are files or folders on this machine that may tell how far it is."""

    name: str
    began: float
    next_line: float
    logs: tuple[Path, ...] = ()

    def line(self, now: float) -> str:
        told = next(filter(None, map(last_line, self.logs)), "")
        return f"… {self.name}: {clock_face(now - self.began)}" + (f", {told}" if told else "")


def clock_face(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def last_line(log: Path) -> str:
    """The last line with text of a log, or of the folder's newest one; empty where there is none to read."""
    try:
        if log.is_dir():
            log = max(log.glob("*.log"), key=lambda found: found.stat().st_mtime)
        with log.open("rb") as source:
            source.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = source.read().decode(errors="replace")
    except (OSError, ValueError):  # ValueError: the folder holds no log
        return ""
    lines = [_CONTROL.sub("", line).strip() for line in re.split(r"[\r\n]+", text)]
    return _USER_INFO.sub("://********@", next(filter(None, reversed(lines)), ""))


class Watch:
    """Prints a line for the step under way from a thread of its own; a step that has ended prints no more."""

    def __init__(
        self,
        show: t.Callable[[str], None],
        first_after: float,
        interval: float,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._show, self._first_after, self._interval, self._clock = show, first_after, interval, clock
        self._changed = threading.Condition()
        self._step: Step | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.took: list[tuple[float, str]] = []

    def begin(self, name: str, *, silent: bool = False) -> None:
        """Another step begins, and the one before has ended. A silent one is only timed."""
        now = self._clock()
        with self._changed:
            self._end(now)
            self._step = Step(name, now, float("inf") if silent else now + self._first_after)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
                self._thread.start()
            self._changed.notify()

    def read(self, logs: t.Iterable[Path]) -> None:
        """Logs of the step under way."""
        with self._changed:
            if self._step:
                self._step.logs = (*self._step.logs, *logs)

    def stop(self) -> None:
        with self._changed:
            self._end(self._clock())
            self._stopped = True
            self._changed.notify()
        if self._thread:
            self._thread.join(timeout=5)

    def longest(self, count: int) -> list[tuple[float, str]]:
        return sorted((entry for entry in self.took if entry[0] >= LEAST_SECONDS), reverse=True)[:count]

    def _end(self, now: float) -> None:
        if self._step:
            self.took.append((now - self._step.began, self._step.name))
            self._step = None

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                self._changed.wait(self._due())
                if self._step and self._due() == 0:
                    now = self._clock()
                    self._step.next_line = now + self._interval
                    with contextlib.suppress(Exception):  # a line that can't be shown must not end the thread
                        self._show(self._step.line(now)[:WIDTH])

    def _due(self) -> float | None:
        """Seconds to the next line; ``None`` where there is none to come."""
        if self._step is None or self._step.next_line == float("inf"):
            return None
        return max(0.0, self._step.next_line - self._clock())


Hook = t.TypeVar("Hook", bound=t.Callable[..., None])


def harmless(hook: Hook) -> Hook:
    """Whatever goes wrong in here is no reason for a deployment to stop."""

    @functools.wraps(hook)
    def guarded(self: CallbackModule, *args: t.Any, **kwargs: t.Any) -> None:
        try:
            hook(self, *args, **kwargs)
        except Exception as exc:
            self._display.vv(f"progress: {type(exc).__name__}: {exc}")

    return t.cast(Hook, guarded)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "harvis.platform.progress"
    CALLBACK_NEEDS_ENABLED = True

    _watch: Watch | None = None
    _play: t.Any = None

    @harmless
    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        self._play = play

    @harmless
    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:  # noqa: ARG002
        self._begin(task)

    @harmless
    def v2_playbook_on_handler_task_start(self, task: t.Any) -> None:
        self._begin(task)

    @harmless
    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        """Only here is it known for which host the task's arguments are to be filled in."""
        given = [task.args[name] for name in LOG_ARGUMENTS if task.args.get(name)]
        if not self._watch or not given or task.no_log:
            return
        variables = self._play.get_variable_manager().get_vars(play=self._play, host=host, task=task)
        filled = Templar(loader=task.get_loader(), variables=variables).template(given)
        self._watch.read(Path(str(path)).expanduser() for path in filled)

    @harmless
    def v2_playbook_on_stats(self, stats: t.Any) -> None:  # noqa: ARG002
        if not self._watch:
            return
        self._watch.stop()
        longest = self._watch.longest(int(self.get_option("longest")))
        if longest:
            self._display.display("Longest tasks")
            for seconds, name in longest:
                self._display.display(f"{seconds:8.1f} s  {name}")

    def _begin(self, task: t.Any) -> None:
        if self._watch is None:
            first_after, interval = float(self.get_option("first_after")), float(self.get_option("interval"))
            self._watch = Watch(self._display.display, first_after, interval)
        self._watch.begin(task.get_name().strip(), silent=task.action in ASKING)
