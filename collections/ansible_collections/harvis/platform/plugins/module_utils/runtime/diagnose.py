"""What is wrong with the runtime as it is: asked of the daemon that runs, not of the file that one would edit."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.dev_char import reload_findings
from ansible_collections.harvis.platform.plugins.module_utils.runtime.running import (
    RunningDaemon,
    containerd_effective,
    docker_effective,
    find_running,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.sources import load_sources
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toolkit import toolkit_findings
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import CONFIGS, RuntimeSpec

# A file that was written and read in the same moment is not called unread: the kernel counts starts in ticks.
CLOCK_SLACK = 0.1


def refuse_other_file(spec: RuntimeSpec, runner: Runner) -> None:
    """Raises HarvisError (RUN-CONFIG) where the daemon that runs does not read the file that would be edited."""
    running = find_running(spec.socket, CONFIGS["containerd"]) if spec.daemon == "containerd" else None
    if running and running.config.resolve() != spec.config.resolve():
        raise HarvisError(_other_file(spec, _who(spec, running), running, runner))


def read_refusal(spec: RuntimeSpec, runner: Runner) -> str:
    """What containerd has against the text of its file; empty where nothing, or where none runs that could be asked."""
    running = find_running(spec.socket, CONFIGS["containerd"]) if spec.daemon == "containerd" else None
    if running is None:
        return ""
    try:
        containerd_effective(running, runner)
    except ProcessError as exc:
        return exc.findings[0].evidence
    return ""


def diagnose_runtime(spec: RuntimeSpec, runner: Runner, root: Path = Path("/")) -> list[Finding]:
    """Findings from the toolkit to the running daemon, the first that fails first."""
    findings = toolkit_findings(spec.handler, root)
    found = daemon_finding(spec, runner)
    reload = reload_findings(spec.handler, root, spec.daemon, spec.config)
    return [*findings, *([found] if found else []), *reload]


def daemon_finding(spec: RuntimeSpec, runner: Runner) -> Finding | None:
    """What is wrong with the daemon that runs; None also where none does."""
    if spec.daemon == "docker":
        return _docker_finding(spec)
    running = find_running(spec.socket, CONFIGS["containerd"])
    return containerd_finding(spec, running, runner) if running else None


def _docker_finding(spec: RuntimeSpec) -> Finding | None:
    try:
        lacks = docker_effective(spec.socket).lacks(spec.handler)
    except OSError:
        return None
    return _not_taken(spec, f"dockerd at {spec.socket}", lacks) if lacks else None


def containerd_finding(spec: RuntimeSpec, running: RunningDaemon, runner: Runner) -> Finding | None:
    """What is wrong with one running containerd."""
    who = _who(spec, running)
    if running.config.resolve() != spec.config.resolve():
        return _other_file(spec, who, running, runner)
    newer = _newer(running)
    if newer:
        return _not_taken(spec, who, f"it was started before {newer} was changed")
    try:
        effective = containerd_effective(running, runner)
    except ProcessError as exc:
        return Finding("RUN-CONFIG", str(running.config), "is refused by containerd", exc.findings[0].evidence)
    lacks = effective.lacks(spec.handler)
    return _not_configured(spec, who, lacks) if lacks else None


def _who(spec: RuntimeSpec, running: RunningDaemon) -> str:
    return f"containerd at {spec.socket} (pid {running.pid}, {running.executable})"


def _other_file(spec: RuntimeSpec, who: str, running: RunningDaemon, runner: Runner) -> Finding:
    """The file that everybody edits is not the one in use."""
    try:
        said = containerd_effective(running, runner).lacks(spec.handler) or "that one has the handler"
    except ProcessError:
        said = "that one is refused"
    return Finding(
        "RUN-CONFIG",
        str(spec.config),
        f"is not read by the containerd that runs: it was started with {running.config}",
        evidence=f"{who}; {said}",
        fix=f"Give {running.config} (or, with k3s, rke2 and microk8s, the template beside it) as the file to edit.",
    )


def _newer(running: RunningDaemon) -> str:
    """The file changed since the daemon began, if any."""
    try:
        files = [source.path for source in load_sources(running.config)]
        changed = [p for p in files if p.exists() and p.stat().st_mtime > running.started + CLOCK_SLACK]
    except (HarvisError, OSError):
        return ""
    return str(changed[0]) if changed else ""


def _not_taken(spec: RuntimeSpec, who: str, why: str) -> Finding:
    return Finding(
        "RUN-RESTART",
        spec.daemon,
        f"has not taken the configuration of the runtime {spec.handler.name}: {why}",
        evidence=who,
        fix=f"Restart {spec.daemon} (containers keep running under containerd; Docker needs live-restore for that).",
    )


def _not_configured(spec: RuntimeSpec, who: str, why: str) -> Finding:
    return Finding(
        "RUN-CONFIG",
        spec.daemon,
        f"cannot start containers with the runtime {spec.handler.name}: {why}",
        evidence=f"{who}, asked for its merged configuration",
        fix="Run the playbook with tag gpu_host, which configures it.",
    )
