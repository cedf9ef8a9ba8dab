"""What the API answers when it can't do what was asked: one shape for every error."""

from __future__ import annotations

import math


class ApiError(Exception):
    """An error with a stable code, a cause for people, and the HTTP status that carries it."""

    def __init__(
        self, status: int, code: str, cause: str, *, reason: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{code}: {cause}")
        self.status = status
        self.code = code
        self.cause = cause
        self.reason = reason
        self.retry_after = retry_after

    def body(self) -> dict[str, str]:
        """`reason` is there only for a memory that was refused, and is the worker's own word."""
        body = {"code": self.code, "cause": self.cause}
        if self.reason is not None:
            body["reason"] = self.reason
        return body

    def headers(self) -> dict[str, str]:
        """When to come back, in whole seconds; only where coming back may help."""
        return {} if self.retry_after is None else {"Retry-After": str(max(1, math.ceil(self.retry_after)))}
