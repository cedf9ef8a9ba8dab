"""What became of each fault, kept over several runs so that a part can be run again."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path

HEADER = """# Faults that were made in the running platform, and what became of them

Written by `make chaos`; do not edit. Each fault is made for real, one at a time, in a platform that really runs (in a
container that stands for a bare Debian machine). *Survived* means that everything was ready again by itself and that
`playbooks/verify.yml` passed afterwards. Otherwise `verify.yml` named the fault at its first run (*seen* is the code or
the row), and `playbooks/recover.yml` brought the platform back and proved it. Where something needs a person, the table
says what that person did; `recover.yml` was run after that. NetworkPolicies are left out: the embedded cluster does not
enforce them.

Seconds *to detect* are those of the whole `verify.yml` that named it; seconds *to recover* those of the whole
`recover.yml`, with its proof, or until everything was ready again by itself. Rows may come from several runs, on a
machine that did other things as well, so seconds of one row do not compare with those of another.

"""


@dataclass(frozen=True)
class Entry:
    """One fault that was made. ``detected`` and ``recovered`` are seconds."""

    fault: str
    expected: str
    seen: str
    detected: float | None
    recovered: float
    person: str = ""


@dataclass
class Table:
    """Entries by the fault's name, in the order in which the faults are written down."""

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Table:
        kept = json.loads(path.read_text()) if path.exists() else []
        return cls(path, {each["fault"]: Entry(**each) for each in kept})

    def add(self, entry: Entry) -> None:
        self.entries[entry.fault] = entry
        self.write()

    def drop(self, fault: str) -> None:
        """What is made again is not known until it ended well."""
        self.entries.pop(fault, None)

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps([asdict(entry) for entry in self.entries.values()], indent=1) + "\n")

    def page(self, order: t.Sequence[str]) -> str:
        """The document: those of ``order`` first, in that order, and then the others."""
        names = dict.fromkeys([*order, *self.entries])
        rows = [self.entries[name] for name in names if name in self.entries]
        survived = sum(row.seen == "survived" for row in rows)
        named = sum(row.detected is not None for row in rows)
        others = len(rows) - survived - named
        lines = [
            f"**{len(rows)} faults: {survived} survived, {named} named and mended, {others} as the table says.**",
            "",
        ]
        lines += ["| fault | expected | seen | detected (s) | recovered (s) | a person |", "|---|---|---|---|---|---|"]
        missing = [name for name in order if name not in self.entries]
        rest = ["", f"Written down and not made, or not as expected, when this was written: {'; '.join(missing)}."]
        return HEADER + "\n".join([*lines, *map(_row, rows), *(rest if missing else [])]) + "\n"


def _row(entry: Entry) -> str:
    detected = "-" if entry.detected is None else f"{entry.detected:.0f}"
    cells = (entry.fault, entry.expected, entry.seen, detected, f"{entry.recovered:.0f}", entry.person or "-")
    return f"| {' | '.join(cells)} |"
