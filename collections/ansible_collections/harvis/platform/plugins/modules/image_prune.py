#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: image_prune
short_description: Remove old images of ours that nothing uses
version_added: 0.1.0
description:
  - Of each name below O(prefix) the O(kept) youngest images stay, and every image that O(used) names. Others go, from
    the node's containerd and from the Docker daemon that builds.
  - Images of anybody else are never looked at.
  - The caller says what is used, since only the cluster knows it; M(harvis.platform.release_preflight) returns it.
options:
  prefix: {description: Prefix of the images that are ours., type: str, default: harvis.local}
  kept: {description: How many of each name stay., type: int, default: 2}
  used:
    description: References that stay whatever their age. Empty is refused, for then nothing was asked.
    type: list
    elements: str
    required: true
  address:
    description: Socket of the node's containerd; empty where images are delivered otherwise.
    type: str
    default: ""
  ctr: {description: containerd's command line., type: str, default: ctr}
  docker: {description: Whether to look at the Docker daemon., type: bool, default: true}
  docker_host: {description: "The Docker daemon. By default E(DOCKER_HOST), else the usual socket.", type: str}
extends_documentation_fragment: [harvis.platform.attributes]
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
  idempotent: {support: full}
requirements: [docker (Python library)]
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Keep two of each image
  harvis.platform.image_prune:
    used: "{{ preflight.used_images }}"
    address: /run/containerd/containerd.sock
"""

RETURN = r"""
removed:
  description: References that went, or in check mode would go, by store.
  type: dict
  returned: success
  sample: {containerd: ["harvis.local/vhm-indexer:sha256-0123456789abcdef"], docker: []}
refused: {description: What the store did not let go, and why., type: list, elements: str, returned: success}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import connect
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.containerd import Containerd
from ansible_collections.harvis.platform.plugins.module_utils.image.prune import (
    ContainerdStore,
    DockerStore,
    Store,
    prune,
)
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

ARGUMENT_SPEC: dict[str, t.Any] = {
    "prefix": {"type": "str", "default": "harvis.local"},
    "kept": {"type": "int", "default": 2},
    "used": {"type": "list", "elements": "str", "required": True},
    "address": {"type": "str", "default": ""},
    "ctr": {"type": "str", "default": "ctr"},
    "docker": {"type": "bool", "default": True},
    "docker_host": {"type": "str"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Each store in turn."""
    p = module.params
    if not p["used"]:
        raise fail("PLB-INPUT", "used", "names no image, so it is not known what runs", fix="Ask the cluster first.")
    stores = _stores(p)
    done = {
        name: prune(store, p["prefix"], set(p["used"]), p["kept"], check_mode=module.check_mode)
        for name, store in stores.items()
    }
    removed = {name: list(result.removed) for name, result in done.items()}
    return {
        "changed": any(removed.values()),
        "removed": removed,
        "refused": [text for result in done.values() for text in result.refused],
        "diff": {"before": removed, "after": {name: [] for name in removed}},
    }


def _stores(p: dict[str, t.Any]) -> dict[str, Store]:
    stores: dict[str, Store] = {}
    if p["address"]:
        stores["containerd"] = ContainerdStore(Containerd(SystemRunner(), p["ctr"], p["address"]))
    if p["docker"]:
        stores["docker"] = DockerStore(connect(p["docker_host"]).api)
    return stores


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
