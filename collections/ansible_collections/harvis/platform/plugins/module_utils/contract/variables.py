"""Reads against what is provided: missing, empty, of the wrong type, and two names that disagree."""

from __future__ import annotations

import re

from ansible_collections.harvis.platform.plugins.module_utils.contract.programs import Program
from ansible_collections.harvis.platform.plugins.module_utils.contract.python_reads import Read
from ansible_collections.harvis.platform.plugins.module_utils.contract.said import (
    Said,
    read_place,
    shown,
    value_place,
    where,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import Variable
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects

# Set by every container runtime, or by Kubernetes.
_ALWAYS = re.compile(
    r"PATH|HOME|HOSTNAME|PWD|USER|SHLVL|KUBERNETES_.*|.*_SERVICE_HOST|.*_SERVICE_PORT(_.*)?|.*_PORT_\d+_TCP.*"
)
# Settings that mean nothing when they are empty, by the last word of their names or by their default.
_NEEDED_NAME = re.compile(
    r"(^|_)(URL|URI|HOST|HOSTS|PORT|ENDPOINT|ADDRESS|ADDR|BOOTSTRAP|SERVER|SERVERS|BROKER|BROKERS|MODEL|COLLECTION|TOPIC|DATABASE|DB"
    r"|BUCKET|REGION|DIR|PATH|FILE|LEVEL|TIMEOUT|SECONDS|RETRIES|SIZE|COUNT|LIMIT|INTERVAL)$"
)
_NEEDED_DEFAULT = re.compile(r"[a-z][a-z0-9+.-]*://.*|[\w.-]+:\d+|[+-]?\d+(\.\d+)?|/.+|true|false", re.IGNORECASE)


def findings(program: Program, objects: Objects, *, strict: bool) -> Said:
    said = Said()
    given = program.given
    reads = program.reads
    unknown_start = not program.entries and program.application.image is not None
    if unknown_start:
        said.not_checked.append(f"{where(program)}: what it starts is not known, nor which variables it needs")
    if not given.complete:
        said.not_checked.append(f"{where(program)}: takes all of a ConfigMap or Secret that is not among the objects")
    said.not_checked += [f"{where(program)}: {program.short(place)}{text}" for place, text in reads.not_followed]
    missing: dict[str, Finding] = {}
    for read in reads.reads:
        provided = _provided(program, read)
        if not provided:
            if not (unknown_start or _set_otherwise(program, read)) and given.complete:
                finding = _missing(program, read, strict=strict)
                if finding is not None:
                    missing.setdefault(read.name, finding)
            continue
        said.findings += filter(
            None, [_conflict(program, read, provided, objects), _value(program, read, provided, objects)]
        )
    said.findings += [*missing.values(), *_start_variables(program, objects)]
    return said


def _provided(program: Program, read: Read) -> list[Variable]:
    """The variables that the container has for one setting, in the order in which the application tries them."""
    known = program.given.variables
    if read.ignores_case:
        known = {name.upper(): v for name, v in known.items()}
        return [known[name.upper()] for name in read.names if name.upper() in known]
    return [known[name] for name in read.names if name in known]


def _set_otherwise(program: Program, read: Read) -> bool:
    """Whether the image, the runtime or the application itself sets it, or somebody outside the release may."""
    hidden = {u.name for u in program.given.unresolved if not u.object_found}
    return any(program.provides(n) or n in hidden or _ALWAYS.fullmatch(n) for n in read.names)


def _missing(program: Program, read: Read, *, strict: bool) -> Finding | None:
    stops = read.required or (read.default is None and bool(read.rejection(None)))
    if not stops and not (strict and read.used):
        return None
    names = " or ".join(read.names)
    if stops:
        cause = f"{where(program)}: {names} is read without a default, and nothing provides it"
    else:
        instead = f"its default {read.default!r}" if read.default else "a default"
        cause = f"{where(program)}: {names} is read, and nothing provides it, so that {instead} is used in silence"
    evidence = "; ".join(filter(None, [_nearest(program, read), _hidden_key(program, read)]))
    return Finding.at(
        "ENV-MISSING",
        read_place(program, read.file, read.line),
        cause,
        evidence=evidence,
        fix=f"Add {read.name} to the container's env, or to the ConfigMap or Secret that it takes.",
    )


def _nearest(program: Program, read: Read) -> str:
    from ansible_collections.harvis.platform.plugins.module_utils.contract.unread import nearest

    read_names = {name for other in program.reads.reads for name in other.names}
    near = nearest(read.name, [n for n in program.given.variables if n not in read_names])
    return f"the container has {near}, which nothing reads" if near else ""


def _hidden_key(program: Program, read: Read) -> str:
    lost = [u for u in program.given.unresolved if u.name in read.names]
    return f"its entry refers to {lost[0].source}, which is not there" if lost else ""


def _conflict(program: Program, read: Read, provided: list[Variable], objects: Objects) -> Finding | None:
    first_names = {other.name for other in program.reads.reads if other is not read}
    known = [v for v in provided if v.value and not v.value.startswith("{") and v.name not in first_names - {read.name}]
    if len({v.value for v in known}) < 2:
        return None
    winner, other = known[0], next(v for v in known if v.value != known[0].value)
    values = f"{winner.name} is {shown(winner)} and wins, {other.name} is {shown(other)}"
    return Finding.at(
        "ENV-CONFLICT",
        value_place(program, other, objects),
        f"{where(program)}: {winner.name} and {other.name} are one setting, and disagree",
        evidence=f"{values}; read at {program.short(read.file)}:{read.line}",
        fix=f"Provide {winner.name} alone.",
    )


def _value(program: Program, read: Read, provided: list[Variable], objects: Objects) -> Finding | None:
    """What is wrong with the text that the application takes: the first that is there, or that is not empty."""
    taken = next((v for v in provided if v.value != "" or not read.tests_empty), None)
    if taken is None:
        reason = read.rejection("")
        return _empty(program, read, provided[0], objects, reason) if reason else None
    if taken.value is None or "$(" in taken.value:
        return None
    if taken.value == "":
        reason = read.rejection("")
        needed = not reason and not read.tests_empty and _is_needed(read)
        return _empty(program, read, taken, objects, reason) if reason or needed else None
    reason = read.rejection(taken.value)
    if not reason:
        return None
    return Finding.at(
        "ENV-TYPE",
        value_place(program, taken, objects),
        f"{where(program)}: the application rejects {taken.name}: {reason}",
        evidence=f"{shown(taken)}; read at {program.short(read.file)}:{read.line}",
        fix=f"Give {taken.name} a value that the application takes.",
    )


def _is_needed(read: Read) -> bool:
    if not read.default and not read.required:
        return False
    return bool(_NEEDED_NAME.search(read.name) or (read.default and _NEEDED_DEFAULT.fullmatch(read.default)))


def _empty(program: Program, read: Read, variable: Variable, objects: Objects, reason: str) -> Finding:
    instead = f", and its default {read.default!r} is not used" if read.default else ""
    return Finding.at(
        "ENV-EMPTY",
        value_place(program, variable, objects),
        f"{where(program)}: {variable.name} is provided and empty{instead}",
        evidence="; ".join(filter(None, [reason, f"read at {program.short(read.file)}:{read.line}"])),
        fix=f"Give {variable.name} a value, or leave it out so that the default counts.",
    )


def _start_variables(program: Program, objects: Objects) -> list[Finding]:
    """Variables that say which module the image starts."""
    found = []
    image = program.application.image
    for name in sorted(program.start.needs):
        variable = program.given.variables.get(name)
        built = program.application.environment.get(name)
        if (variable and variable.value != "") or (built and built.value and variable is None) or image is None:
            continue
        if variable is not None:
            place, code, cause = value_place(program, variable, objects), "ENV-EMPTY", "is provided and empty"
        else:
            line = built.line if built else image.start_line
            place, code, cause = read_place(program, image.dockerfile, line), "ENV-MISSING", "is not provided"
        found.append(
            Finding.at(
                code, place, f"{where(program)}: {name} says what the image starts, and {cause}", fix=f"Set {name}."
            )
        )
    return found
