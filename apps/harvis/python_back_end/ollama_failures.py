"""What Ollama's own words for a failure come to: out of memory on the card or off it, busy, crashed, too slow."""

from __future__ import annotations

import re
from dataclasses import dataclass

from python_back_end.errors import ApiError

_RETRY_SECONDS = 5.0


@dataclass(frozen=True)
class _Failure:
    code: str
    status: int
    words: re.Pattern[str]
    retry_after: float | None = None


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# The first that fits counts: a runner that was short of memory has crashed as well, and the memory is the cause.
_FAILURES = (
    _Failure(
        "vram_short",
        503,
        _words(
            r"(cuda|hip|rocm|vulkan|metal|gpu|vram).{0,80}(out of memory|alloc|OOM)",
            r"(cuda|hip)malloc",
            r"alloc.{0,40}(cuda|rocm|hip|vulkan|metal|gpu)",
            r"not enough (gpu|video|vram)",
        ),
    ),
    _Failure(
        "out_of_memory",
        503,
        _words(r"system memory", r"out of memory", r"cannot allocate", r"unable to allocate", r"signal: killed"),
    ),
    _Failure("ollama_busy", 503, _words(r"server busy", r"maximum pending requests"), _RETRY_SECONDS),
    _Failure("ollama_timed_out", 504, _words(r"timed out waiting for")),
    _Failure(
        "model_crashed", 502, _words(r"runner.{0,40}(terminated|stopped|no longer running|exited)", r"exit status")
    ),
    _Failure("model_missing", 404, _words(r"invalid model name", r"model.{0,80}(not found|does not exist)")),
)


def as_api_error(who: str, said: str) -> ApiError:
    """An error whose code tells the kind, and whose cause is what Ollama said."""
    cause = f"{who}: {said}"
    for failure in _FAILURES:
        if failure.words.search(said):
            return ApiError(failure.status, failure.code, cause, retry_after=failure.retry_after)
    return ApiError(502, "ollama_error", cause)
