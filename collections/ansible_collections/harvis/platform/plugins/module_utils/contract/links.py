"""Service links against reads: a program takes the variable that Kubernetes sets for a Service for its own setting."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.contract.programs import Program
from ansible_collections.harvis.platform.plugins.module_utils.contract.python_reads import Read
from ansible_collections.harvis.platform.plugins.module_utils.contract.said import Said
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.links import (
    link_finding,
    link_variables,
    linked_services,
    port_variable,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import Directory, Service

# Whoever writes this expects a link's value.
_LINK_SCHEME = "tcp://"


def findings(program: Program, directory: Directory) -> Said:
    """ENV-LINKS for ``<SERVICE>_PORT``, which is a number to everybody but Kubernetes."""
    said = Said()
    if program.given.complete:
        for service in linked_services(directory, program.container.pod):
            said.findings += _of_service(program, service)
    return said


def _of_service(program: Program, service: Service) -> t.Iterator[Finding]:
    name = port_variable(service)
    value = f"{_LINK_SCHEME}10.96.0.10:{service.ports()[0].number}"
    reads = [r for r in program.reads.reads if name in r.names and (r.used or r.rejection(value))]
    links = {*link_variables(service)} - {name}
    wants_links = any(links.intersection(read.names) for read in program.reads.reads)
    if not reads or wants_links or _is_set(program, reads[0]) or _speaks_of_links(reads[0]):
        return
    seen = [f"a value such as {value}", reads[0].rejection(value)]
    seen.append(f"read at {program.short(reads[0].file)}:{reads[0].line}")
    yield link_finding(program.container, service, [name], "; ".join(filter(None, seen)))


def _is_set(program: Program, read: Read) -> bool:
    """Whether somebody says what the setting is; the container's own entries beat the links."""
    return any(name in program.given.variables or program.provides(name) for name in read.names)


def _speaks_of_links(read: Read) -> bool:
    try:
        return _LINK_SCHEME in Path(read.file).read_text()
    except (OSError, UnicodeDecodeError):
        return True
