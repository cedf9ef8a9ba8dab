"""The helm program: how each command is spelt in Helm 3 and 4, and what a failure means."""

from __future__ import annotations

import json
import shutil
import threading
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult, Runner
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError, release_error
from ansible_collections.harvis.platform.plugins.module_utils.release.explain import explain
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec

# Our reader of Helm's records knows this driver, so a HELM_DRIVER of the environment must not win.
_ENVIRONMENT = {"HELM_DRIVER": "secret"}
_RENDER_SECONDS = 120
_HISTORY_MAX = "20"


@dataclass(frozen=True)
class Helm:
    """One helm binary, aimed at one context of one kubeconfig."""

    runner: Runner
    binary: str
    kubeconfig: str | None = None
    context: str | None = None

    @classmethod
    def find(cls, runner: Runner, binary: str | None, kubeconfig: str | None, context: str | None) -> Helm:
        """Raises ReleaseError when there is no helm."""
        found = shutil.which(binary or "helm")
        if not found:
            fix = "Install Helm 3.18 or newer, or say where it is (`make up` puts one into .harvis/bin)."
            raise release_error("PLB-PROCESS", binary or "helm", "the helm program is not there", fix=fix)
        return cls(runner, found, kubeconfig, context)

    def major(self) -> int:
        result = self.runner.run([self.binary, "version", "--template", "{{.Version}}"], timeout=_RENDER_SECONDS)
        number = result.stdout.strip().lstrip("v").partition(".")[0]
        return int(number) if number.isdigit() else 4

    def render(self, spec: ReleaseSpec, *, is_upgrade: bool, on_server: bool = True) -> str:
        """The manifest with its hooks, made with the cluster's own capabilities and lookups unless told otherwise."""
        argv = render_argv(spec, is_upgrade=is_upgrade, on_server=on_server)
        result = self._run(argv, spec, timeout=_RENDER_SECONDS)
        if result.rc:
            raise ReleaseError(*explain(result, spec))
        return result.stdout

    def upgrade(self, spec: ReleaseSpec, stop: threading.Event | None = None) -> CommandResult:
        """Install or upgrade, and wait, at most until ``stop`` is set. A failure is returned, not raised."""
        # On a failure Helm starts a second wait of the same length, for the rollback.
        return self._run(upgrade_argv(spec, self.major()), spec, timeout=2 * spec.timeout + 120, stop=stop)

    def rollback(self, spec: ReleaseSpec, revision: int) -> None:
        """Without waiting: an upgrade follows at once."""
        self._settle(rollback_argv(spec, revision, self.major()), spec)

    def rollback_and_wait(self, spec: ReleaseSpec, revision: int, stop: threading.Event | None = None) -> CommandResult:
        """The result may be a failure: the caller knows the pods."""
        argv = [*rollback_argv(spec, revision, self.major()), "--wait", "--timeout", f"{spec.timeout}s"]
        return self._run(argv, spec, timeout=spec.timeout + 60, stop=stop)

    def show_crds(self, spec: ReleaseSpec) -> str:
        """The definitions of the crds folders, those of dependencies too."""
        result = self._run(["show", "crds", str(spec.chart)], spec, timeout=_RENDER_SECONDS)
        if result.rc:
            raise ReleaseError(*explain(result, spec))
        return result.stdout

    def test(self, spec: ReleaseSpec) -> CommandResult:
        """The chart's own tests."""
        argv = ["test", spec.name, "--namespace", spec.namespace, "--timeout", f"{spec.timeout}s"]
        return self._run(argv, spec, timeout=spec.timeout + 60)

    def uninstall(self, spec: ReleaseSpec) -> None:
        argv = ["uninstall", spec.name, "--namespace", spec.namespace, "--wait", "--timeout", f"{spec.timeout}s"]
        self._settle(argv, spec)

    def _settle(self, argv: list[str], spec: ReleaseSpec) -> None:
        result = self._run(argv, spec, timeout=spec.timeout + 60)
        if result.rc:
            raise ReleaseError(*explain(result, spec))

    def _run(
        self, argv: list[str], spec: ReleaseSpec, timeout: float, stop: threading.Event | None = None
    ) -> CommandResult:
        target = ["--kubeconfig", self.kubeconfig] if self.kubeconfig else []
        target += ["--kube-context", self.context] if self.context else []
        # Values go through stdin: an argument list can be read by every user of the host.
        stdin = json.dumps(spec.values) if "-" in argv else None
        command = [self.binary, *argv, *target]
        return self.runner.run(command, stdin=stdin, env=_ENVIRONMENT, timeout=timeout, check=False, stop=stop)


def render_argv(spec: ReleaseSpec, *, is_upgrade: bool, on_server: bool = True) -> list[str]:
    argv = ["template", spec.name, str(spec.chart), "--namespace", spec.namespace, "--values", "-"]
    # Who owns what is ours to say, for every object at once; a dry run of an install would stop at the first.
    argv += ["--dry-run=server", "--take-ownership"] if on_server else ["--dry-run=client"]
    return [*argv, "--is-upgrade"] if is_upgrade else argv


def upgrade_argv(spec: ReleaseSpec, major: int) -> list[str]:
    argv = ["upgrade", spec.name, str(spec.chart), "--install", "--namespace", spec.namespace, "--values", "-"]
    argv += ["--reset-values", "--history-max", _HISTORY_MAX, "--timeout", f"{spec.timeout}s", "--wait"]
    # To undo would be to delete: what was there before, too.
    if spec.atomic and not spec.take_ownership:
        argv.append("--atomic" if major < 4 else "--rollback-on-failure")
    if spec.take_ownership:
        argv.append("--take-ownership")
    if spec.crds == "skip":
        argv.append("--skip-crds")
    return [*argv, *_server_side(major)]


def rollback_argv(spec: ReleaseSpec, revision: int, major: int) -> list[str]:
    argv = ["rollback", spec.name, str(revision), "--namespace", spec.namespace, "--history-max", _HISTORY_MAX]
    return [*argv, *_server_side(major)]


def _server_side(major: int) -> t.Sequence[str]:
    """Helm 4 applies on the server, where a field edited by hand is a conflict unless we insist."""
    return () if major < 4 else ("--server-side=true", "--force-conflicts")
