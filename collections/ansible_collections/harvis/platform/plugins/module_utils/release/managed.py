"""A release that Flux or Argo CD manages: refused, held off meanwhile, or changed where its manager reads it."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.gitops.chain import unsuspendable
from ansible_collections.harvis.platform.plugins.module_utils.gitops.look import look
from ansible_collections.harvis.platform.plugins.module_utils.gitops.manager import Managed, Release
from ansible_collections.harvis.platform.plugins.module_utils.gitops.refuse import refusals, when
from ansible_collections.harvis.platform.plugins.module_utils.gitops.suspend import held_off as gitops_held_off
from ansible_collections.harvis.platform.plugins.module_utils.gitops.suspend import marked_at, marked_for
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, Object
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.explain import hide
from ansible_collections.harvis.platform.plugins.module_utils.release.lock import hold
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec

REFUSE, SUSPEND, WRITE = "refuse", "suspend", "write"


@dataclass(frozen=True)
class Managers:
    """Who else is at work on a release."""

    release: Release
    found: tuple[Managed, ...] = ()

    @property
    def active(self) -> list[Managed]:
        return [manager for manager in self.found if not manager.suspended]

    @property
    def receivers(self) -> list[Managed]:
        """Those that take the release's values from their own object, suspended or not."""
        return [manager for manager in self.found if manager.tool.values and manager.whole and manager.own]

    def refusals(self, cluster: Cluster, mode: str) -> list[Finding]:
        """GOP-MANAGED for each manager at work that ``mode`` cannot deal with."""
        if mode == SUSPEND:
            return [found for manager in self.active for found in unsuspendable(cluster, self.release, manager)]
        return refusals(self.release, self.found)

    def refuse(self, cluster: Cluster, mode: str) -> None:
        """Before anything is changed. Raises ReleaseError (GOP-MANAGED)."""
        findings = self.refusals(cluster, mode)
        if findings:
            raise ReleaseError(*findings)

    def to_result(self, spec: ReleaseSpec) -> list[dict[str, t.Any]]:
        """A controller's words may repeat values."""
        return [{key: hide(text, spec) for key, text in manager.to_dict().items()} for manager in self.found]


def find_managers(spec: ReleaseSpec, cluster: Cluster, objects: t.Iterable[Object]) -> Managers:
    release = Release(spec.name, spec.namespace)
    return Managers(release, tuple(look(cluster, release, objects)))


@contextlib.contextmanager
def held_off(spec: ReleaseSpec, cluster: Cluster, managers: Managers) -> t.Iterator[None]:
    """Nothing where nobody manages the release, or the managers are to be left alone."""
    if spec.gitops != SUSPEND or not managers.found:
        yield
        return
    with gitops_held_off(cluster, managers.release, managers.found, resume=spec.gitops_resume):
        yield


def said(spec: ReleaseSpec, managers: Managers, *, changed: bool) -> list[Finding]:
    """What becomes of the change, now that it is made (or would be)."""
    return [found for manager in managers.found if (found := _said(spec, manager, changed=changed))]


def left_suspended(spec: ReleaseSpec, managers: Managers) -> list[Managed]:
    """What an earlier run suspended for the release and did not resume, where this one may."""
    if spec.gitops != SUSPEND or not spec.gitops_resume:
        return []
    return [manager for manager in managers.found if _is_left(spec, manager)]


def resume(spec: ReleaseSpec, cluster: Cluster, left: t.Sequence[Managed]) -> None:
    """Where there is nothing else to do."""
    release = Release(spec.name, spec.namespace)
    with hold(cluster, spec.name, spec.namespace), gitops_held_off(cluster, release, left, resume=True):
        pass


def _is_left(spec: ReleaseSpec, manager: Managed) -> bool:
    return bool(manager.own) and marked_for(manager.own or {}) == str(Release(spec.name, spec.namespace))


def _said(spec: ReleaseSpec, manager: Managed, *, changed: bool) -> Finding | None:
    left = _is_left(spec, manager)
    if changed and spec.gitops == SUSPEND and (left or not manager.suspended):
        return _resumed(manager) if spec.gitops_resume else _kept(spec, manager)
    if left:
        cause = f"a run of {marked_at(manager.own or {})} suspended it for this release and has not resumed it"
        fix = "Bring the same change into its source; then a run with gitops: suspend resumes it."
        return Finding("GOP-SUSPENDED", str(manager), cause, fix=fix)
    if manager.suspended:
        cause = f"it does nothing now ({manager.suspended}); once resumed it takes changes back {when(manager)}"
        return Finding("GOP-SUSPENDED", str(manager), cause, fix="Bring what is changed here into its source as well.")
    return None


def _resumed(manager: Managed) -> Finding:
    cause = f"it was resumed, and takes the change back {when(manager)}"
    fix = "Bring the same change into its source before that; gitops_resume: false leaves it suspended."
    return Finding("GOP-UNDONE", str(manager), cause, manager.state.source if manager.state else "", fix)


def _kept(spec: ReleaseSpec, manager: Managed) -> Finding:
    cause = f"it was left suspended for release {spec.namespace}/{spec.name}"
    return Finding("GOP-SUSPENDED", str(manager), cause, fix="Resume it once its source has the same change.")
