#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_preflight
short_description: Find everything that speaks against a host before it is changed
version_added: 0.1.0
author: Harvis Platform maintainers (@harvis)
description:
  - Looks at memory, disk, ports, Docker, the wanted Kubernetes version and at clusters of somebody else.
  - Reports all findings at once and changes nothing.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  memory_gib: {description: Memory the host must have., type: float, required: true}
  disk: {description: Folder to free GiB it must have., type: dict, default: {}}
  ports: {description: TCP port to the program of ours that may hold it., type: dict, default: {}}
  kubernetes: {description: Wanted Kubernetes version., type: str, required: true}
  data_dir: {description: Folder of everything the platform keeps., type: path, required: true}
  provider:
    description: Where the cluster comes from.
    type: str
    choices: [embedded, existing]
    default: embedded
"""

EXAMPLES = r"""
- name: Look before anything is changed
  harvis.platform.host_preflight:
    memory_gib: 6
    disk: {/var/lib/harvis: 20}
    ports: {6443: kube-apiserver}
    kubernetes: v1.34.4
    data_dir: /var/lib/harvis
"""

RETURN = r"""
docker: {description: "V(absent), V(ours) or V(foreign) (a daemon that was there).", type: str, returned: success}
packages: {description: Debian packages that are missing., type: list, elements: str, returned: success}
findings: {description: What speaks against the host., type: list, elements: dict, returned: always}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.cluster.mark import Mark, find_foreign
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.image.cli import find_build_cli
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.preflight.checks import Requirements, preflight
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

ARGUMENT_SPEC: dict[str, t.Any] = {
    "memory_gib": {"type": "float", "required": True},
    "disk": {"type": "dict", "default": {}},
    "ports": {"type": "dict", "default": {}},
    "kubernetes": {"type": "str", "required": True},
    "data_dir": {"type": "path", "required": True},
    "provider": {"type": "str", "choices": ["embedded", "existing"], "default": "embedded"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """All checks, then one failure with all findings."""
    p = module.params
    mark = Path(p["data_dir"]) / "cluster.json"
    embedded = p["provider"] == "embedded"
    ours = Mark.read(mark) is not None
    wanted = Requirements(
        memory_gib=p["memory_gib"],
        # A platform that is up has used its space already; it needs room for images that change.
        disk={k: min(float(v), 2.0) if ours else float(v) for k, v in p["disk"].items()},
        ports={int(k): v for k, v in p["ports"].items()},
        kubernetes=p["kubernetes"],
        data_dir=Path(p["data_dir"]),
        embedded=embedded,
        ours=ours,
    )
    facts, findings = preflight(wanted)
    findings += find_foreign(mark) if embedded else []
    findings += _builder_findings() if facts["docker"] == "foreign" else []
    if findings:
        raise HarvisError(*findings)
    return {"changed": False, "findings": [], **facts}


def _builder_findings() -> list[Finding]:
    """A daemon that was there needs a command line that can build; with ours comes one that can."""
    try:
        find_build_cli(SystemRunner())
    except HarvisError as exc:
        return list(exc.findings)
    return []


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
