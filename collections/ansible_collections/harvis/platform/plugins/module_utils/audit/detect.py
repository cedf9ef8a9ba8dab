"""Running detectors: a fault or an endless loop in one of them never hides what the others find."""

from __future__ import annotations

import contextlib
import signal
import threading
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError

SECONDS = 30.0


class OutOfTime(BaseException):
    """Not an Exception, so that no detector mistakes it for something of its own."""


Step = t.Callable[[], t.Iterable[Finding | NotChecked]]


@dataclass(frozen=True)
class Outcome:
    """What steps said, in their order."""

    findings: tuple[Finding, ...] = ()
    not_checked: tuple[str, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.findings + other.findings, self.not_checked + other.not_checked)


def detect(subject: AuditSubject, detectors: t.Iterable[Detector], seconds: float = SECONDS) -> Outcome:
    """Every detector on the subject, each with the same time limit."""
    outcome = Outcome()
    for detector in detectors:
        outcome += guarded(_name(detector), lambda detector=detector: detector(subject), seconds)  # type: ignore[misc]
    return outcome


def guarded(name: str, step: Step, seconds: float = SECONDS) -> Outcome:
    """What the step says. What it raises is a finding if it has one, and else something that was not checked."""
    findings: list[Finding] = []
    not_checked: list[str] = []
    try:
        with _time_limit(seconds):
            for said in step():
                if isinstance(said, NotChecked):
                    not_checked.append(said.reason)
                else:
                    findings.append(said)
    except HarvisError as exc:
        findings += exc.findings
    except ImportError as exc:
        not_checked.append(f"{name}: the Python library {(exc.name or '').partition('.')[0]} is not installed")
    except OutOfTime:
        not_checked.append(f"{name}: not done within {seconds:g} s")
    except Exception as exc:
        not_checked.append(f"{name}: something went wrong in the audit itself: {type(exc).__name__}: {exc}")
    return Outcome(tuple(findings), tuple(not_checked))


def _name(detector: Detector) -> str:
    return str(getattr(detector, "__qualname__", detector)).replace("_", " ").strip()


@contextlib.contextmanager
def _time_limit(seconds: float) -> t.Iterator[None]:
    """A thread cannot be stopped from outside, so the limit is an alarm, which only the main thread gets."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
