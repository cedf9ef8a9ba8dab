"""What the archive offers, as apt sees it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """Package versions by name, newest first as apt orders them."""

    offers: dict[str, tuple[str, ...]]

    def versions(self, name: str) -> tuple[str, ...]:
        return self.offers.get(name, ())

    def names(self, beginning: str) -> tuple[str, ...]:
        return tuple(name for name in self.offers if name.startswith(beginning))


def parse_madison(text: str) -> Archive:
    """``apt-cache madison``: ``name | version | where``, a source package among them counts for nothing."""
    offers: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 3 and cells[2].endswith("Packages") and cells[1] not in offers.setdefault(cells[0], []):
            offers[cells[0]].append(cells[1])
    return Archive({name: tuple(versions) for name, versions in offers.items()})


def parse_simulation(text: str) -> tuple[tuple[str, str], ...]:
    """``apt-get -s install``: the packages that would be unpacked, with their versions."""
    return tuple(_simulated(text))


def _simulated(text: str) -> t.Iterator[tuple[str, str]]:
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["Inst"] and "(" in line:
            yield words[1], line.partition("(")[2].split()[0]
