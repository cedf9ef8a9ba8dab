"""What a daemon shall know: a runtime's name, its program, and whether it is the default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAME = "nvidia"
BINARY = Path("/usr/bin/nvidia-container-runtime")


@dataclass(frozen=True)
class Handler:
    """A low-level runtime; ``name`` is also what a RuntimeClass calls its handler."""

    name: str = NAME
    binary: Path = BINARY
    default: bool = False
    # Device injection by CDI specs (https://github.com/cncf-tags/container-device-interface).
    cdi: bool = False


@dataclass(frozen=True)
class Effective:
    """What a daemon's merged configuration says: the program of each handler, and which is taken unasked."""

    handlers: dict[str, str]
    default: str = ""

    def lacks(self, handler: Handler) -> str:
        """Why ``handler`` is not in effect; empty where it is."""
        if handler.name not in self.handlers:
            return f"it knows no handler {handler.name} (only {', '.join(sorted(self.handlers)) or 'none'})"
        if self.handlers[handler.name] != str(handler.binary):
            return f"its handler {handler.name} runs {self.handlers[handler.name] or 'no program'}"
        if handler.default and self.default != handler.name:
            return f"its default runtime is {self.default or 'not set'}"
        return ""
