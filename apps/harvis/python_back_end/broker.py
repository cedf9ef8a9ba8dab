"""The message broker as the memory gateway needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class BrokerError(Exception):
    """The broker can't be talked to, or refused what was sent; the text is the cause."""


class MessageTooLarge(BrokerError):
    """The broker takes no message of this size."""


@dataclass(frozen=True)
class Received:
    topic: str
    value: bytes


@dataclass(frozen=True)
class BrokerState:
    """Why the broker can't serve yet; all None or empty when it can."""

    unreachable: str | None = None
    missing_topics: tuple[str, ...] = ()
    unassigned: str | None = None

    @property
    def cause(self) -> str | None:
        if self.unreachable is not None:
            return self.unreachable
        if self.missing_topics:
            return f"topics missing: {', '.join(self.missing_topics)}"
        return self.unassigned


class Broker(Protocol):
    """`check` and `poll` are called from one thread only, `publish` from any."""

    def check(self) -> BrokerState:
        """Look at broker and topics, and take up the partitions of the answers that are not read yet."""

    def poll(self, timeout: float) -> Received | None:
        """The next answer, if one comes in time; also tells publishers what failed."""

    def publish(self, topic: str, key: str, value: bytes, on_failure: Callable[[str], None]) -> None:
        """Send; `on_failure` is called with the cause when the broker did not take it."""

    def close(self) -> None:
        """Send what is still queued, for a moment at most, and let go."""
