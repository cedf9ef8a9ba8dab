"""What a release should be, as the user described it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.release.errors import release_error
from ansible_collections.harvis.platform.plugins.module_utils.release.values import Values, leaves, load_values


@dataclass(frozen=True)
class ReleaseSpec:
    """``values`` are merged already; ``values_files`` stay known only to name lines in findings."""

    name: str
    namespace: str
    chart: Path
    values: Values
    secret_texts: tuple[str, ...] = ()
    values_files: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    create_namespace: bool = True
    timeout: int = 600
    atomic: bool = True
    take_back_drift: bool = True
    replace_immutable: bool = False
    take_ownership: bool = False
    crds: str = "create"
    test: bool = False
    lock_seconds: int = 0
    source: str = ""
    gitops: str = "refuse"
    gitops_resume: bool = True
    secret_paths: tuple[str, ...] = ()
    ready: bool = False

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> ReleaseSpec:
        """From a module's parameters; raises ReleaseError when the chart or a values file is not usable."""
        chart = Path(params.get("chart") or "").expanduser()
        if params.get("chart") and not (chart / "Chart.yaml").is_file() and not chart.is_file():
            fix = "Name the folder that holds Chart.yaml, or a packaged chart."
            raise release_error("PLB-INPUT", str(chart), "there is no chart here", fix=fix)
        secrets = params.get("secret_values") or {}
        files = tuple(params.get("values_files") or ())
        return cls(
            name=params["name"],
            namespace=params["namespace"],
            chart=chart,
            values=load_values(files, params.get("values") or {}, secrets),
            secret_texts=tuple(sorted(_texts(secrets), key=len, reverse=True)),
            values_files=files,
            namespaces=tuple(params.get("namespaces") or ()),
            create_namespace=params["create_namespace"],
            timeout=params["timeout"],
            atomic=params["atomic"],
            take_back_drift=params["take_back_drift"],
            replace_immutable=params["replace_immutable"],
            take_ownership=params["take_ownership"],
            crds=params["crds"],
            test=params["test"],
            lock_seconds=params["lock_seconds"],
            source=params.get("source") or "",
            gitops=params.get("gitops") or "refuse",
            gitops_resume=params.get("gitops_resume", True),
            ready=params.get("ready", False),
            secret_paths=tuple(".".join(steps) for steps, _ in leaves(secrets)),
        )

    @property
    def wanted_namespaces(self) -> tuple[str, ...]:
        """Every namespace that has to be there before the release is applied, each once."""
        own = (self.namespace,) if self.create_namespace else ()
        return tuple(dict.fromkeys(own + self.namespaces))


def _texts(value: t.Any) -> set[str]:
    """Texts long enough to be a secret rather than a switch."""
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) and len(value) >= 6 else set()
