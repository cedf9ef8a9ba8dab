#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: env_contract
short_description: Prove that every variable an application reads is provided, and every one provided is read
version_added: 0.2.0
description:
  - Finds out from Python sources and Dockerfiles what each program reads from its environment, which module its image
    starts, and what it imports; nothing of it is imported or run.
  - Compares this with the environment that Deployments, StatefulSets, Jobs, CronJobs and other workloads give their
    containers by C(env), C(envFrom), ConfigMaps and Secrets.
  - Reports variables that are missing, never read, empty, of a type that the application rejects, or in conflict with
    another name of the same setting; modules and imports that the image does not have; and a C(PYTHONPATH) that misses
    the shared code.
  - A container is matched with the sources that its image's name or its command points at. Containers without sources
    are reported in RV(not_checked).
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full, details: The same in both modes.}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  sources: {description: Folder of Python sources with their Dockerfiles., type: path, required: true}
  manifests: {description: Folder or file of Kubernetes manifests., type: path}
  chart: {description: Folder of a Helm chart to render., type: path}
  values:
    description: Files of values laid over the chart's own, the last one wins.
    type: list
    elements: path
    default: []
  namespace: {description: Namespace of objects that state none., type: str, default: default}
  release: {description: Name of the release., type: str, default: release-name}
  components:
    description:
      - Which sources belong to which container, where names do not tell.
      - A key is the name of a container, a workload or an image, or a pattern of it. Its value is a mapping of
        C(source) (a folder below O(sources), the build context), C(dockerfile) (a file in it) and C(entry) (the module
        that is started); each may be left out.
    type: dict
    default: {}
  strict: {description: "Every variable that is read must be provided, default or not.", type: bool, default: false}
  helm: {description: "The helm program; else that of C(.harvis/bin), of the PATH, or of the cache.", type: path}
  report_only: {description: Succeed also when there are errors., type: bool, default: false}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Hold the chart to what the code reads
  harvis.platform.env_contract:
    sources: apps
    chart: charts/harvis
    strict: true

- name: Name the sources of an image whose name does not tell
  harvis.platform.env_contract:
    sources: services
    manifests: k8s
    components:
      importer: {source: etl, dockerfile: build/Dockerfile, entry: etl.importer.main}
"""

RETURN = r"""
findings: {description: What is wrong, sorted by file and line., type: list, elements: dict, returned: always}
not_checked: {description: What could not be looked at, a sentence each., type: list, elements: str, returned: always}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.contract.task import ContractRequest, run_contract
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

ARGUMENT_SPEC: dict[str, t.Any] = {
    "sources": {"type": "path", "required": True},
    "manifests": {"type": "path"},
    "chart": {"type": "path"},
    "values": {"type": "list", "elements": "path", "default": []},
    "namespace": {"type": "str", "default": "default"},
    "release": {"type": "str", "default": "release-name"},
    "components": {"type": "dict", "default": {}},
    "strict": {"type": "bool", "default": False},
    "helm": {"type": "path"},
    "report_only": {"type": "bool", "default": False},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    request = ContractRequest.from_params(module.params)
    return run_contract(request, SystemRunner(), report_only=module.params["report_only"])


def main() -> None:
    run_module(ARGUMENT_SPEC, run, required_one_of=[("manifests", "chart")])


if __name__ == "__main__":
    main()
