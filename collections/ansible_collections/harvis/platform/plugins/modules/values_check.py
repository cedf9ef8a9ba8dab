#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: values_check
short_description: Refuse values that a chart does not know, before anything is changed
version_added: 0.1.0
description:
  - Lays values over a chart's own and validates the result against the chart's schema, without Helm or a cluster.
  - All values that are refused are reported at once; only their names are shown.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  charts:
    description: Charts and the values for each.
    type: list
    elements: dict
    required: true
    suboptions:
      chart: {description: Folder of the chart., type: path, required: true}
      values: {description: Values of the operator., type: dict, default: {}}
      secret_values: {description: Values that are shown nowhere., type: dict, default: {}}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Refuse a misspelt value
  harvis.platform.values_check:
    charts:
      - chart: charts/harvis
        values: {workers: {resonance: {replicas: 2}}}
"""

RETURN = r"""
findings: {description: Values that are refused., type: list, elements: dict, returned: failure}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.chart.schema import merge, refused_values
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "charts": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "chart": {"type": "path", "required": True},
            "values": {"type": "dict", "default": {}},
            "secret_values": {"type": "dict", "default": {}, "no_log": True},
        },
    },
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """All charts, then one failure with all findings."""
    findings = [
        finding
        for chart in module.params["charts"]
        for finding in refused_values(Path(chart["chart"]), merge(chart["values"], chart["secret_values"]))
    ]
    if findings:
        raise HarvisError(*findings)
    return {"changed": False}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
