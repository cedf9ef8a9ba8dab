#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release_verified
short_description: Write down whether the deployed revision of a release works
version_added: 0.1.0
description:
  - Marks the deployed revision as good or bad, with the time and the identities of the images that its pods run, so
    that M(harvis.platform.helm_release) can go back to the last one that was good.
  - The mark lies in the ConfigMap C(harvis-release-<name>) beside the release, and goes with it.
extends_documentation_fragment: [harvis.platform.attributes, harvis.platform.cluster]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: Name of the release.
    type: str
    required: true
  namespace:
    description: Namespace of the release.
    type: str
    required: true
  verified:
    description: Whether it passed.
    type: bool
    required: true
  note:
    description: What was proved, or what failed.
    type: str
    default: ""
author:
  - Harvis Platform (@harvis)
"""

EXAMPLES = r"""
- name: Remember that this revision works
  harvis.platform.helm_release_verified:
    name: harvis-prod
    namespace: ai-agents
    verified: true
    note: 14 checks passed
"""

RETURN = r"""
release:
  description: The deployed revision, with C(source), C(images), C(verified), C(verified_at) and C(note).
  returned: success
  type: dict
findings:
  description: Why nothing could be marked, with cause, evidence and fix.
  returned: failure
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.kube import connect
from ansible_collections.harvis.platform.plugins.module_utils.kube.options import CLUSTER_OPTIONS
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.release.verification import mark

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "verified": {"type": "bool", "required": True},
    "note": {"type": "str", "default": ""},
    **CLUSTER_OPTIONS,
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    cluster = connect(params["kubeconfig"], params["context"])
    return mark(
        cluster,
        params["name"],
        params["namespace"],
        verified=params["verified"],
        note=params["note"],
        check_mode=module.check_mode,
    )


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
