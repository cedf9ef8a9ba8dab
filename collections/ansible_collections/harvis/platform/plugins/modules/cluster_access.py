#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_access
short_description: Leave a kubeconfig, kubectl and helm for one cluster
version_added: 0.1.0
author: Harvis Platform maintainers (@harvis)
description:
  - Writes a kubeconfig with a single context, readable by its owner only, and links to the programs in use.
  - Runs on the controller.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: A kubeconfig holds credentials.}
  idempotent: {support: full}
options:
  content: {description: Text of a kubeconfig., type: str, default: ""}
  source: {description: Path of a kubeconfig; used when O(content) is empty., type: path, default: ""}
  context: {description: Context to keep; empty for the current one., type: str, default: ""}
  dest: {description: Where the kubeconfig is written., type: path, required: true}
  bin_dir:
    description: Folder of C(kubectl) and C(helm) on this machine; empty searches the PATH.
    type: str
    default: ""
  link: {description: Whether to link the programs into C(bin) beside O(dest)., type: bool, default: true}
"""

EXAMPLES = r"""
- name: Use a cluster that is there
  harvis.platform.cluster_access:
    source: ~/.kube/config
    context: minikube
    dest: .harvis/kubeconfig
  delegate_to: localhost
"""

RETURN = r"""
kubeconfig: {description: Path of the kubeconfig., type: str, returned: success}
"""

import shutil
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.cluster.access import (
    link_programs,
    single_context,
    write_private,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "content": {"type": "str", "default": "", "no_log": True},
    "source": {"type": "path", "default": ""},
    "context": {"type": "str", "default": ""},
    "dest": {"type": "path", "required": True},
    "bin_dir": {"type": "str", "default": ""},
    "link": {"type": "bool", "default": True},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Reduce, write, link."""
    p = module.params
    dest = Path(p["dest"])
    subject = p["source"] or "kubeconfig"
    try:
        text = p["content"] or Path(p["source"]).read_text()
    except OSError as exc:
        fix = "Set cluster_kubeconfig to a file on the controller."
        raise fail("PLB-INPUT", subject, f"cannot be read: {exc.strerror}", fix=fix) from exc
    changed = write_private(dest, single_context(text, p["context"], subject), dry=module.check_mode)
    if p["link"]:
        changed |= link_programs(_programs(p["bin_dir"]), dest.parent / "bin", dry=module.check_mode)
    return {"changed": changed, "kubeconfig": str(dest)}


def _programs(bin_dir: str) -> dict[str, str]:
    found = {name: str(Path(bin_dir) / name) if bin_dir else shutil.which(name) for name in ("kubectl", "helm")}
    return {name: path for name, path in found.items() if path}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
