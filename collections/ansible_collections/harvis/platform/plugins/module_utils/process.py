"""Running a program: argument list, time limit, redaction, captured output. The one place where we start one."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail

TAIL_LINES = 25
# How often a program that may be stopped is looked after, and how long it may take to end once it was asked to.
LOOK_SECONDS = 0.2
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class CommandResult:
    """What a finished program left behind; ``stdout`` and ``stderr`` are decoded text."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str

    @property
    def tail(self) -> str:
        """The last lines a person would look at: stderr if there is any, else stdout."""
        text = self.stderr.strip() or self.stdout.strip()
        return "\n".join(text.splitlines()[-TAIL_LINES:])


class ProcessError(HarvisError):
    """A program could not be started, ran out of time, or ended with a status that is not 0."""


class Runner(t.Protocol):
    """Starts programs; tests hand in a recorded one."""

    def run(
        self,
        argv: t.Sequence[str],
        *,
        stdin: str | t.IO[bytes] | None = None,
        env: t.Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        timeout: float = 600,
        check: bool = True,
        log: Path | None = None,
        stop: threading.Event | None = None,
    ) -> CommandResult: ...


@dataclass(frozen=True)
class SystemRunner:
    """Runs programs on this machine; every string in ``secrets`` is blanked from what comes back."""

    secrets: tuple[str, ...] = ()

    def run(
        self,
        argv: t.Sequence[str],
        *,
        stdin: str | t.IO[bytes] | None = None,
        env: t.Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        timeout: float = 600,
        check: bool = True,
        log: Path | None = None,
        stop: threading.Event | None = None,
    ) -> CommandResult:
        """Run ``argv`` to its end, or interrupt it (SIGINT, as Ctrl-C does) once ``stop`` is set.

        ``env`` is added to this process's environment. ``log`` receives the output as it comes
        (a long step can be watched) and the result then holds the log's text as ``stdout``.

        Raises ProcessError when the program is missing, exceeds ``timeout`` seconds, or (with ``check``) fails.
        """
        argv = tuple(map(str, argv))
        feed: dict[str, t.Any] = {"input": stdin.encode()} if isinstance(stdin, str) else {"stdin": stdin}
        if stdin is None:
            feed = {"stdin": subprocess.DEVNULL}
        environment = {**os.environ, **(env or {})}
        try:
            if stop is not None:
                done = _until(stop, argv, timeout, env=environment, cwd=cwd, **feed)
                out, err = done.stdout, done.stderr
            elif log is None:
                done = subprocess.run(argv, capture_output=True, env=environment, cwd=cwd, timeout=timeout, **feed)
                out, err = done.stdout, done.stderr
            else:
                log.parent.mkdir(parents=True, exist_ok=True)
                with log.open("wb") as sink:
                    done = subprocess.run(
                        argv, stdout=sink, stderr=subprocess.STDOUT, env=environment, cwd=cwd, timeout=timeout, **feed
                    )
                out, err = log.read_bytes(), b""
        except OSError as exc:
            raise ProcessError(
                *fail("PLB-PROCESS", argv[0], f"cannot be started: {exc.strerror}", fix=f"Install {argv[0]}.").findings
            ) from exc
        except subprocess.TimeoutExpired as exc:
            raise ProcessError(
                *fail(
                    "PLB-PROCESS", argv[0], f"did not end within {timeout:.0f} s", evidence=self._command(argv)
                ).findings
            ) from exc
        result = CommandResult(argv, done.returncode, self._text(out), self._text(err))
        if check and result.rc:
            evidence = f"{self._command(argv)}\n{result.tail}"
            raise ProcessError(*fail("PLB-PROCESS", argv[0], f"exit status {result.rc}", evidence=evidence).findings)
        return result

    def _text(self, raw: bytes | None) -> str:
        text = (raw or b"").decode(errors="replace")
        for secret in filter(None, self.secrets):
            text = text.replace(secret, "********")
        return text

    def _command(self, argv: t.Sequence[str]) -> str:
        return self._text(" ".join(argv).encode())


def _until(
    stop: threading.Event, argv: tuple[str, ...], timeout: float, *, input: bytes | None = None, **options: t.Any
) -> subprocess.CompletedProcess[bytes]:
    """As ``subprocess.run`` with captured output, ended early by ``stop``."""
    if input is not None:
        options["stdin"] = subprocess.PIPE
    deadline = time.monotonic() + timeout
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        asked = False
        while True:
            try:
                out, err = process.communicate(input, timeout=LOOK_SECONDS)
                return subprocess.CompletedProcess(argv, process.returncode, out, err)
            except subprocess.TimeoutExpired:
                # What was given once is not given again.
                input = None
            if stop.is_set() and not asked:
                asked, deadline = True, min(deadline, time.monotonic() + STOP_SECONDS)
                process.send_signal(signal.SIGINT)
            if time.monotonic() > deadline:
                process.kill()
                process.communicate()
                raise subprocess.TimeoutExpired(argv, timeout)
