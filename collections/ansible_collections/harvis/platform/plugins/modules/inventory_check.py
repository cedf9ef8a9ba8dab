#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_check
short_description: Refuse variables that no role reads
version_added: 0.1.0
description:
  - A variable whose name begins as those of a role of this collection do, and that no role has, is misspelt and would
    have no effect. It is refused, with the file and line that set it and the name that was probably meant.
  - A worker that the chart does not know is refused as well.
  - Runs on the controller; no host is asked.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  own: {description: Names of yours that look like ours., type: list, elements: str, default: []}
  workers: {description: Workers that are to be deployed., type: list, elements: str, default: []}
  chart: {description: Folder of the chart that must know them., type: path}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Refuse misspelt variables
  harvis.platform.inventory_check:
    workers: [indexer, resonance]
    chart: charts/harvis
"""

RETURN = r"""
findings: {description: Variables and workers that are refused., type: list, elements: dict, returned: failure}
"""

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "own": {"type": "list", "elements": "str", "default": []},
    "workers": {"type": "list", "elements": "str", "default": []},
    "chart": {"type": "path"},
}


def run(_module: t.Any) -> dict[str, t.Any]:
    cause = "the module was run without its action plugin"
    raise fail("PLB-INPUT", "inventory_check", cause, fix="Call harvis.platform.inventory_check from a task.")


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
