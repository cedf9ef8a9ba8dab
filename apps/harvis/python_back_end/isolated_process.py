"""Work that may crash, hang or eat memory, in a child process that takes the harm alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

# Spawn, not fork: the server has threads, and a fork copies their locks in whatever state they are.
_SPAWN = multiprocessing.get_context("spawn")
_STOP_SECONDS = 2.0

Handler = Callable[[Any], Any]


class IsolationError(Exception):
    """The child did not do its work; the text says why."""


class ChildFailed(IsolationError):
    """The work raised an exception; the child lives on."""


class ChildDied(IsolationError):
    """The child ended: a crash, or killed for memory."""


class ChildTimedOut(IsolationError):
    """The child took too long and was killed."""


@dataclass(frozen=True)
class _Done:
    value: Any


@dataclass(frozen=True)
class _Failed:
    cause: str


class IsolatedProcess:
    """A child that loads once and then answers one request at a time; callers take turns by themselves.

    `load` is a function of a module (the child imports it by name) that returns the handler of requests.
    """

    def __init__(self, name: str, load: Callable[..., Handler], arguments: tuple[Any, ...] = ()) -> None:
        self._name = name
        self._load = load
        self._arguments = arguments
        self._process: SpawnProcess | None = None
        self._connection: Connection[Any, Any] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def start(self, limit: float) -> None:
        """Load; does nothing when loaded already."""
        if self.running:
            return
        self.stop()
        self._connection, theirs = _SPAWN.Pipe()
        arguments = (theirs, self._load, self._arguments)
        self._process = _SPAWN.Process(target=_serve, args=arguments, name=self._name, daemon=True)
        try:
            self._process.start()
        except OSError as error:
            self._process = None
            self.stop()
            raise ChildDied(f"{self._name} could not be started: {error}") from error
        # Ours must be the only end left open, or the child's death would not close the pipe.
        theirs.close()
        try:
            self._receive("loading", limit)
        except ChildFailed:
            self.stop()
            raise

    def call(self, request: Any, limit: float) -> Any:
        if self._connection is None:
            raise ChildDied(f"{self._name} is not running")
        try:
            self._connection.send(request)
        except OSError:
            raise self._died("before it was asked") from None
        return self._receive("answering", limit)

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.join(_STOP_SECONDS)
            self._process = None

    def _receive(self, doing: str, limit: float) -> Any:
        assert self._connection is not None
        try:
            if not self._connection.poll(limit):
                self.stop()
                raise ChildTimedOut(f"{self._name} took more than {limit:g} s {doing} and was ended")
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise self._died(doing) from None
        if isinstance(answer, _Failed):
            raise ChildFailed(f"{self._name} failed {doing}: {answer.cause}")
        return answer.value

    def _died(self, doing: str) -> ChildDied:
        code = None
        if self._process is not None:
            self._process.join(_STOP_SECONDS)
            code = self._process.exitcode
        self.stop()
        return ChildDied(f"{self._name} ended {doing}: {_how(code)}")


def run_isolated(name: str, load: Callable[..., Handler], limit: float) -> Any:
    """One answer of a child of its own; the time limit covers loading, and again the answer."""
    child = IsolatedProcess(name, load)
    try:
        child.start(limit)
        return child.call(None, limit)
    finally:
        child.stop()


def _serve(connection: Connection[Any, Any], load: Callable[..., Handler], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C at a terminal reaches the whole process group; the parent ends this child in its own time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _offer_itself_to_the_oom_killer()
    try:
        handle = load(*arguments)
    except Exception as error:
        connection.send(_Failed(_cause(error)))
        return
    connection.send(_Done(None))
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return  # the parent is gone
        try:
            answer: _Done | _Failed = _Done(handle(request))
        except Exception as error:
            # Where, and not what: the words of an error may quote the text that was asked for.
            traceback.print_tb(error.__traceback__)
            answer = _Failed(_cause(error))
        connection.send(answer)


def _offer_itself_to_the_oom_killer() -> None:
    """Where memory runs out, this process goes and not the server."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _how(code: int | None) -> str:
    if code is None:
        return "still ending"
    if code >= 0:
        return f"exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name} (out of memory?)" if -code == signal.SIGKILL else name
