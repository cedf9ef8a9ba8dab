"""``.harvis-audit.yml``: findings that somebody decided to live with, each with its reason."""

from __future__ import annotations

import fnmatch
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.request import Accepted
from ansible_collections.harvis.platform.plugins.module_utils.findings import CODES, Finding, HarvisError, Place, fail

FILE = ".harvis-audit.yml"
KEYS = ("code", "subject", "reason")
LARGEST = 1024 * 1024


@dataclass(frozen=True)
class Acceptance:
    """One entry. ``subject`` is a glob on what the finding is about: its leaf, object, file or all of it."""

    code: str
    subject: str
    reason: str
    place: Place

    def matches(self, finding: Finding) -> bool:
        if finding.code != self.code:
            return False
        # A leaf may be called limits["nvidia.com/gpu"], which as a glob would be a set of characters.
        return any(s == self.subject or fnmatch.fnmatchcase(s, self.subject) for s in subjects(finding))


@dataclass(frozen=True)
class Judged:
    """Findings that are left, and those that were accepted."""

    findings: tuple[Finding, ...]
    accepted: tuple[Accepted, ...]


def subjects(finding: Finding) -> list[str]:
    """Everything that a finding can be called by."""
    place = finding.place or Place()
    line = f"{place.file}:{place.line}" if place.line else ""
    field = f"{place.object}:{place.field}" if place.field else ""
    return [name for name in (finding.subject, place.leaf, place.object, field, place.file, line) if name]


def read_acceptances(path: Path) -> list[Acceptance]:
    """Entries of the file; none where there is no file. Raises HarvisError (VAL-INPUT)."""
    import ruamel.yaml

    if not path.is_file():
        return []
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST >> 20} MiB")
        entries = ruamel.yaml.YAML(typ="rt").load(path.read_bytes().decode())
    except (OSError, ValueError, ruamel.yaml.YAMLError) as exc:
        raise fail("VAL-INPUT", str(path), "the acceptances cannot be read", evidence=str(exc)) from exc
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise _refused(path, 1, "must be a list of code, subject and reason")
    return [_acceptance(path, number, entries) for number in range(len(entries))]


def judge(findings: t.Sequence[Finding], acceptances: t.Sequence[Acceptance], judged: t.Container[str]) -> Judged:
    """What is left after the acceptances, with a VAL-ACCEPTED for each that matches nothing any more.

    ``judged`` are the codes that this audit could have found: others are not known to be gone.
    """
    left: list[Finding] = []
    accepted: list[Accepted] = []
    used: set[Acceptance] = set()
    for finding in findings:
        matching = [acceptance for acceptance in acceptances if acceptance.matches(finding)]
        used.update(matching)
        if matching:
            accepted.append(Accepted(finding, matching[0].reason))
        else:
            left.append(finding)
    left += [_unmatched(a) for a in acceptances if a not in used and a.code in judged]
    return Judged(tuple(left), tuple(accepted))


def _acceptance(path: Path, number: int, entries: t.Any) -> Acceptance:
    entry = entries[number]
    line = entries.lc.item(number)[0] + 1
    if not isinstance(entry, dict) or sorted(map(str, entry)) != sorted(KEYS):
        raise _refused(path, line, f"an acceptance has exactly {', '.join(KEYS)}")
    code, subject, reason = (str(entry[key] or "").strip() for key in KEYS)
    if code not in CODES:
        raise _refused(path, line, f"{code!r} is no code of a finding")
    if not subject or not reason:
        raise _refused(path, line, "an acceptance needs a subject and a reason")
    return Acceptance(code, subject, reason, Place(str(path), line))


def _refused(path: Path, line: int, cause: str) -> HarvisError:
    fix = "Write entries as `- {code: VAL-DEAD, subject: web.legacy.*, reason: why it is right}`."
    return HarvisError(Finding.at("VAL-INPUT", Place(str(path), line), cause, fix=fix))


def _unmatched(acceptance: Acceptance) -> Finding:
    return Finding.at(
        "VAL-ACCEPTED",
        acceptance.place,
        f"no {acceptance.code} is about `{acceptance.subject}` any more",
        evidence=f"It was accepted because: {acceptance.reason}",
        fix="Remove the entry, or correct its subject.",
    )
