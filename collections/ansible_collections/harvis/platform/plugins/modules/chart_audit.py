#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: chart_audit
short_description: Prove that every value has its effect and every variable is provided, before anything is deployed
version_added: 0.2.0
description:
  - Works out which value of a chart changes which field of which object, by rendering the chart a few times.
  - Reports values that change nothing or something else than their path says, manifests that cannot work, variables
    that sources read and nothing provides, and playbooks that hide failures.
  - Asks no cluster, runs no code of what it looks at, and changes nothing. The files named by O(json), O(sarif) and
    O(html) are written also in check mode and also when the audit fails.
  - A finding is accepted by an entry of C(code), C(subject) and C(reason) in O(acceptances).
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full, details: The same in both modes.}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  chart: {description: Folder of a Helm chart., type: path}
  values:
    description: Files of values laid over the chart's own, the last one wins.
    type: list
    elements: path
    default: []
  extra_values: {description: Values laid over those of O(values)., type: dict, default: {}}
  secret_values: {description: As O(extra_values); shown nowhere., type: dict, default: {}}
  extra_values_name:
    description: What findings call the place of O(extra_values) and O(secret_values).
    type: str
    default: extra_values
  sources: {description: Folder of Python sources and Dockerfiles., type: path}
  manifests: {description: Folder or file of Kubernetes manifests., type: path}
  playbooks: {description: Folder of Ansible playbooks and roles., type: path}
  beside:
    description:
      - What else is deployed. Its Services, ConfigMaps, Secrets and definitions are known to the audit, so that an
        address that names one of them is right and a slip of its name is found. Nothing is said about these objects
        themselves.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: "Folder of a Helm chart, or folder or file of manifests.", type: path, required: true}
      values: {description: Files of values laid over the chart's own., type: list, elements: path, default: []}
      extra_values: {description: "Values laid over those of O(beside[].values).", type: dict, default: {}}
      namespace: {description: Where it lies. By default O(namespace)., type: str}
      release: {description: Name of its release. By default the name of the folder., type: str}
  components:
    description: Which sources belong to which container where names do not tell; see M(harvis.platform.env_contract).
    type: dict
    default: {}
  strict: {description: Every variable that sources read must be provided., type: bool, default: false}
  namespace: {description: Namespace of the release., type: str, default: default}
  release: {description: Name of the release., type: str, default: release-name}
  kubernetes: {description: Version of the cluster., type: str, default: v1.34.4}
  nodes:
    description: What the cluster's nodes have to give. What needs this is not checked where it is empty.
    type: list
    elements: dict
    default: []
    suboptions:
      cpu: {description: Cores., type: float, required: true}
      memory_gib: {description: Memory in GiB., type: float, required: true}
      gpus: {description: Number of GPUs., type: int, default: 0}
      gpu_memory_gib: {description: Memory of one GPU in GiB., type: float, default: 0}
  helm: {description: "The helm program; else that of C(.harvis/bin), of the PATH, or of the cache.", type: path}
  cache_dir: {description: Where the platform keeps programs such as helm., type: path, default: ~/.cache/harvis}
  require_helm:
    description: When V(false) and there is no helm, the audit is skipped, and the result says so.
    type: bool
    default: true
  acceptances: {description: File of accepted findings; else C(.harvis-audit.yml) of what is audited., type: path}
  json: {description: File for the result as JSON., type: path}
  sarif: {description: File for the result as SARIF 2.1.0., type: path}
  html: {description: File for the result as a page., type: path}
  base_dir:
    description: Directory at which relative paths begin, and from which findings name files. By default that of the
      process, which is not that of whoever started the playbook.
    type: path
  report_only: {description: Succeed also when there are errors., type: bool, default: false}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Stop a release whose values do nothing
  harvis.platform.chart_audit:
    chart: charts/harvis
    values: [values-prod.yaml]
    sources: apps
    strict: true
    beside:
      - path: charts/harvis-data
        namespace: vhm
  delegate_to: localhost
"""

RETURN = r"""
passed: {description: Whether there is no error., type: bool, returned: always}
findings:
  description: What is wrong, each with C(code), C(severity), C(file), C(line), C(leaf), C(object), C(field),
    C(cause), C(evidence) and C(fix).
  type: list
  elements: dict
  returned: always
effects:
  description: For each value the fields that it changes, as C(namespace/Kind/name:pointer).
  type: dict
  returned: always
not_checked: {description: What could not be looked at., type: list, elements: str, returned: always}
leaves: {description: Number of values., type: int, returned: always}
renders: {description: Number of runs of Helm., type: int, returned: always}
seconds: {description: Time taken., type: float, returned: always}
reused:
  description: True where the same files, values and code passed before; nothing was rendered or read again.
  type: bool
  returned: with O(cache_dir), when a kept result was used
table: {description: The findings as lines of text., type: list, elements: str, returned: always}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.audit.task import run_task
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "chart": {"type": "path"},
    "values": {"type": "list", "elements": "path", "default": []},
    "extra_values": {"type": "dict", "default": {}},
    "secret_values": {"type": "dict", "default": {}, "no_log": True},
    "extra_values_name": {"type": "str", "default": "extra_values"},
    "sources": {"type": "path"},
    "manifests": {"type": "path"},
    "playbooks": {"type": "path"},
    "beside": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "values": {"type": "list", "elements": "path", "default": []},
            "extra_values": {"type": "dict", "default": {}},
            "namespace": {"type": "str"},
            "release": {"type": "str"},
        },
    },
    "components": {"type": "dict", "default": {}},
    "strict": {"type": "bool", "default": False},
    "namespace": {"type": "str", "default": "default"},
    "release": {"type": "str", "default": "release-name"},
    "kubernetes": {"type": "str", "default": "v1.34.4"},
    "nodes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "cpu": {"type": "float", "required": True},
            "memory_gib": {"type": "float", "required": True},
            "gpus": {"type": "int", "default": 0},
            "gpu_memory_gib": {"type": "float", "default": 0},
        },
    },
    "helm": {"type": "path"},
    "cache_dir": {"type": "path", "default": "~/.cache/harvis"},
    "require_helm": {"type": "bool", "default": True},
    "acceptances": {"type": "path"},
    "json": {"type": "path"},
    "sarif": {"type": "path"},
    "html": {"type": "path"},
    "base_dir": {"type": "path"},
    "report_only": {"type": "bool", "default": False},
}
ONE_OF = ("chart", "manifests", "sources", "playbooks")


def run(module: AnsibleModule) -> dict[str, t.Any]:
    return run_task(module.params, module.tmpdir)


def main() -> None:
    run_module(ARGUMENT_SPEC, run, required_one_of=[ONE_OF])


if __name__ == "__main__":
    main()
