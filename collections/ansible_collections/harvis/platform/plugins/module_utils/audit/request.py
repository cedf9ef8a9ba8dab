"""``AuditRequest`` and ``AuditReport``: what is to be audited, and what came out."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import NodeCapacity
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Severity

KUBERNETES = "v1.34.4"
# https://helm.sh/docs/chart_template_guide/getting_started/ : names are DNS labels of at most 53 characters.
_LONGEST_RELEASE = 53


@dataclass(frozen=True)
class Beside:
    """Something else that is deployed: a chart, or a folder or file of manifests.

    Without a ``namespace`` it lies in that of the audit; without a ``release`` it is called as its folder is.
    """

    path: Path
    values: tuple[Path, ...] = ()
    namespace: str = ""
    release: str = ""

    @property
    def release_name(self) -> str:
        made = re.sub(r"[^a-z0-9]+", "-", self.path.absolute().name.lower())[:_LONGEST_RELEASE].strip("-")
        return self.release or made or "beside"


@dataclass(frozen=True)
class AuditRequest:
    """A chart with override files, folders of manifests, Python sources and playbooks; each may be missing.

    Places are reported relative to ``base``, the caller's directory. ``components`` says which sources belong to
    which container where names do not tell (see the module env_contract). ``strict`` wants every variable that the
    code reads to be provided, also those with a default. ``beside`` is what else is deployed: objects that may be
    referred to, about which nothing is said. ``acceptances`` is the file of accepted findings; by default
    ``.harvis-audit.yml`` of what is audited. ``names`` says what to call files that are not the user's own, ``cache``
    is where the platform keeps programs such as helm.
    """

    chart: Path | None = None
    values: tuple[Path, ...] = ()
    sources: Path | None = None
    manifests: Path | None = None
    playbooks: Path | None = None
    beside: tuple[Beside, ...] = ()
    namespace: str = "default"
    release: str = "release-name"
    kubernetes: str = KUBERNETES
    nodes: tuple[NodeCapacity, ...] = ()
    components: t.Mapping[str, t.Any] = field(default_factory=dict)
    strict: bool = False
    helm: str = ""
    cache: Path | None = None
    acceptances: Path | None = None
    base: Path = field(default_factory=Path.cwd)
    names: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path | None:
        """The folder that stands for what is audited."""
        return self.chart or self.manifests or self.sources or self.playbooks


@dataclass(frozen=True)
class Accepted:
    """A finding that somebody decided to live with, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True)
class AuditReport:
    """What came out: ``findings`` by file, line and code; ``not_checked`` is neither a finding nor a pass."""

    findings: tuple[Finding, ...]
    accepted: tuple[Accepted, ...] = ()
    not_checked: tuple[str, ...] = ()
    effects: EffectMap = field(default_factory=lambda: EffectMap({}))
    leaves: t.Mapping[ValuePath, Leaf] = field(default_factory=dict)
    renders: int = 0
    seconds: float = 0.0
    base: Path = field(default_factory=Path.cwd)

    def of(self, severity: Severity) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity is severity]

    @property
    def passed(self) -> bool:
        return not self.of(Severity.ERROR)
