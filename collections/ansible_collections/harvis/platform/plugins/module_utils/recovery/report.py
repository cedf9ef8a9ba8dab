"""What a recovery found, did, and could not do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Severity


@dataclass(frozen=True)
class Report:
    """``seen`` before anything was done, ``done`` by part of the platform, ``left`` when it was proved afterwards."""

    seen: tuple[Finding, ...]
    done: dict[str, tuple[str, ...]]
    left: tuple[Finding, ...]

    @property
    def for_a_person(self) -> tuple[Finding, ...]:
        """What is wrong still; a warning that was there before is none of a recovery's business."""
        return tuple(finding for finding in self.left if finding.severity is Severity.ERROR)

    def lines(self) -> list[str]:
        """For the terminal: one line each, and for what is left also the evidence and the way out."""
        done = [f"{part}: {what}" for part, actions in self.done.items() for what in actions]
        return [
            *_block("Seen", [f"{f.code} {f.subject}: {f.cause}" for f in self.seen], "nothing wrong"),
            *_block("Done", done, "nothing: all is as described"),
            *_block("Needs a person", [str(f) for f in self.for_a_person], "nothing"),
        ]


def _block(title: str, lines: t.Sequence[str], otherwise: str) -> list[str]:
    return [title, *("  " + line.replace("\n", "\n      ") for line in lines or [otherwise])]
