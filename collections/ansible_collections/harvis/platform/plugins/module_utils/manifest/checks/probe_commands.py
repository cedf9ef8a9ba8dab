"""Probe commands that say yes whatever happens."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.probes import probe
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.shell import (
    Words,
    cannot_fail,
    harmless,
    last_command,
    program,
    script_of,
)

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_WORD = re.compile(r"[\w./+-]+")
# curl's short options that take the rest of their word, or the next one, as a value.
_CURL_TAKES_VALUE = frozenset("AbcCdDeEFhHKmoPQrtTuUwxXyYz")


def probe_commands(subject: AuditSubject) -> t.Iterator[Finding]:
    for container, name, command in _commands(subject):
        told = _never_fails(command)
        if told:
            yield _finding(
                "PRB-NEVERFAILS", container, name, f"the {name} of container {container.name} {told[0]}", told[1]
            )
        elif _ignores_status(command):
            cause = f"the {name} of container {container.name} takes an HTTP error for success: curl ends with 0"
            yield _finding("PRB-STATUS", container, name, cause, "Add --fail, or make it an httpGet probe.")


def _commands(subject: AuditSubject) -> t.Iterator[tuple[Container, str, Words]]:
    for pod in pods(subject.objects):
        for container in pod.containers():
            for name in PROBES:
                asked = probe(container, name).get("exec")
                command = asked.get("command") if isinstance(asked, dict) else None
                if isinstance(command, list) and command:
                    yield container, name, [str(word) for word in command]


def _finding(code: str, container: Container, name: str, cause: str, fix: str) -> Finding:
    return Finding.at(code, container.place(f"/{name}/exec/command"), cause, fix=fix)


def _never_fails(command: Words) -> tuple[str, str] | None:
    """What makes it so, and what to do; None when it can fail."""
    shell = script_of(command)
    if shell is None:
        told = (
            f"runs {program(command[0])}, which always succeeds",
            "Run something that fails when the container cannot work.",
        )
        return told if harmless(command) else None
    script, dropped = shell
    if dropped and _WORD.fullmatch(script):
        lost = " ".join(dropped)
        return (
            f"runs `{script}` alone: the shell takes the words after it ({lost}) for $0, $1 …",
            f"Write the command as one text: -c '{script} {lost}'.",
        )
    if cannot_fail(script):
        return "ends with status 0 whatever its commands find", "Let the status of the check be the script's."
    return None


def _ignores_status(command: Words) -> bool:
    """Whether the probe's status is that of a curl which does not look at the answer's."""
    shell = script_of(command)
    words = last_command(shell[0]) if shell else command
    if not words or program(words[0]) != "curl" or not any(word.startswith(("http://", "https://")) for word in words):
        return False
    return not any(map(_fails_on_status, words[1:]))


def _fails_on_status(option: str) -> bool:
    if option.startswith("--"):
        return option in ("--fail", "--fail-with-body")
    for letter in option[1:] if option.startswith("-") else "":
        if letter == "f":
            return True
        if letter in _CURL_TAKES_VALUE:
            return False
    return False


DETECTORS: tuple[Detector, ...] = (probe_commands,)
