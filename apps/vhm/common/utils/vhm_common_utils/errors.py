"""What can go wrong with one message, and whether trying again may help."""

from __future__ import annotations


class ProcessingError(Exception):
    """A message could not be processed: `reason` is a fixed word, `detail` is for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class TransientError(ProcessingError):
    """The other side is away: the same call may succeed later. `patience` stretches the back-off."""

    patience = 1.0


class BusyError(TransientError):
    """The other side is there and overloaded: asking again at once would make it worse."""

    patience = 4.0


class PermanentError(ProcessingError):
    """The other side answered and refused: the same call fails again."""
