#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_report
short_description: Say what a recovery found, did and left
version_added: 0.1.0
description:
  - Puts what was wrong, what was done about it and what needs a person into lines for the terminal.
  - Changes nothing and asks nobody.
extends_documentation_fragment: [harvis.platform.attributes]
attributes:
  check_mode: {support: full}
  diff_mode: {support: none}
  idempotent: {support: full, details: Only reads.}
options:
  seen:
    description: Findings from before anything was done.
    type: list
    elements: dict
    default: []
  done:
    description: What was done, as lists of lines by part of the platform. Empty parts are left out.
    type: dict
    default: {}
  left:
    description: Findings from afterwards.
    type: list
    elements: dict
    default: []
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Say what happened
  harvis.platform.recovery_report:
    seen: "{{ looked.findings }}"
    done: {topics: "{{ topics_result.reasons }}"}
  register: recovered
"""

RETURN = r"""
lines:
  description: The report, line by line.
  type: list
  elements: str
  returned: success
person:
  description: Findings of severity error that are left.
  type: list
  elements: dict
  returned: success
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import finding_from_dict
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.recovery.report import Report

ARGUMENT_SPEC: dict[str, t.Any] = {
    "seen": {"type": "list", "elements": "dict", "default": []},
    "done": {"type": "dict", "default": {}},
    "left": {"type": "list", "elements": "dict", "default": []},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    seen, left = (tuple(dict.fromkeys(map(finding_from_dict, params[key]))) for key in ("seen", "left"))
    done = {part: tuple(map(str, lines)) for part, lines in params["done"].items() if lines}
    report = Report(seen, done, left)
    person = [finding.to_dict() for finding in report.for_a_person]
    return {"changed": False, "lines": report.lines(), "person": person}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
