"""``Finding`` and the exception that carries findings to a module's single ``fail_json``."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings.codes import CODES, Severity


@dataclass(frozen=True)
class Place:
    """Where in sources and objects a finding lies; every part may be unknown.

    ``line`` counts from 1 (0: unknown), ``leaf`` is a dotted path in values, ``object`` is ``namespace/Kind/name``
    (an empty namespace for objects that have none) and ``field`` a JSON pointer in it (RFC 6901).
    """

    file: str = ""
    line: int = 0
    leaf: str = ""
    object: str = ""
    field: str = ""

    def __str__(self) -> str:
        source = f"{self.file}:{self.line}" if self.line else self.file
        return " ".join(filter(None, (source, self.leaf, self.object, self.field)))


@dataclass(frozen=True)
class Finding:
    """Something wrong, said once: what, where, why, what was seen, what to do.

    ``subject`` is the file and line, or the object and field, that the finding is about; ``place`` says the same to
    programs.
    """

    code: str
    subject: str
    cause: str
    evidence: str = ""
    fix: str = ""
    place: Place | None = None

    @classmethod
    def at(cls, code: str, place: Place, cause: str, *, evidence: str = "", fix: str = "") -> Finding:
        """A finding about a place, which is also its subject."""
        return cls(code, str(place), cause, evidence, fix, place)

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"unknown finding code {self.code!r}")

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    def to_dict(self) -> dict[str, t.Any]:
        said = {k: v for k, v in asdict(self).items() if k != "place"}
        return {**said, **(asdict(self.place) if self.place else {}), "severity": str(self.severity)}

    def __str__(self) -> str:
        parts = [f"{self.code} {self.subject}: {self.cause}"]
        parts += [f"Evidence: {self.evidence}"] if self.evidence else []
        parts += [f"Fix: {self.fix}"] if self.fix else []
        return "\n".join(parts)


class HarvisError(Exception):
    """Root of every concept's exception; modules turn it into ``fail_json`` with the findings in it."""

    def __init__(self, *findings: Finding, **details: t.Any) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings
        self.details = details

    def to_result(self) -> dict[str, t.Any]:
        """Keyword arguments for ``AnsibleModule.fail_json``."""
        return {"msg": str(self), "findings": [f.to_dict() for f in self.findings], **self.details}


def fail(code: str, subject: str, cause: str, *, evidence: str = "", fix: str = "") -> HarvisError:
    """A ``HarvisError`` with a single finding, ready to be raised."""
    return HarvisError(Finding(code, subject, cause, evidence, fix))
