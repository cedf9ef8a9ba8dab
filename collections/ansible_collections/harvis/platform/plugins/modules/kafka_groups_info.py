#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_groups_info
short_description: Say whether Kafka's consumers keep up
version_added: 0.1.0
description:
  - A consumer may run and be Ready while it is no member of its group, or works on one message for ever. This asks the
    broker who is in each group, how many messages wait, and whether that changes.
  - Where nothing waits it looks once. Only reads.
extends_documentation_fragment:
  - harvis.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Only reads.
options:
  bootstrap:
    description: Addresses of brokers as C(host:port), several with commas.
    type: str
    required: true
  groups:
    description: The consumer groups.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the group.
        type: str
        required: true
      topics:
        description: Topics that it reads.
        type: list
        elements: str
        required: true
      members:
        description: How many consumers it must have; V(0) is content with one.
        type: int
        default: 0
  seconds:
    description: Time between two looks, where messages wait.
    type: float
    default: 15
  timeout:
    description: Seconds to wait for an answer.
    type: int
    default: 30
  report_only:
    description: Return failed rows instead of failing, also when the broker cannot be reached.
    type: bool
    default: false
author:
  - Harvis Platform maintainers
"""

EXAMPLES = r"""
- name: Do the memory workers keep up
  harvis.platform.kafka_groups_info:
    bootstrap: 192.0.2.10:30992
    groups:
      - {name: indexer, topics: [anchors-write], members: 1}
"""

RETURN = r"""
passed:
  description: Whether every row passed.
  type: bool
  returned: always
rows:
  description: A row of the check V(consumers) for each group.
  type: list
  elements: dict
  returned: always
  contains:
    check:
      description: The check's name.
      type: str
    subject:
      description: The group.
      type: str
    passed:
      description: Whether it keeps up.
      type: bool
    evidence:
      description: What was seen.
      type: str
    seconds:
      description: How long it took.
      type: float
findings:
  description: Why rows failed, each with its cause and a fix.
  type: list
  elements: dict
  returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.broker.group_admin import GroupAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.groups import Group, prove_groups
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import (
    Evidence,
    Proof,
    said,
    stop_on_failure,
    to_result,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "bootstrap": {"type": "str", "required": True},
    "groups": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "topics": {"type": "list", "elements": "str", "required": True},
            "members": {"type": "int", "default": 0},
        },
    },
    "seconds": {"type": "float", "default": 15},
    "timeout": {"type": "int", "default": 30},
    "report_only": {"type": "bool", "default": False},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    wanted = [Group(entry["name"], tuple(entry["topics"]), entry["members"]) for entry in params["groups"]]
    try:
        proofs = prove_groups(GroupAdmin(params["bootstrap"], params["timeout"]), wanted, params["seconds"])
    except HarvisError as exc:
        if not params["report_only"]:
            raise
        proofs = [Proof(Evidence("consumers", params["bootstrap"], False, said(exc.findings), 0.0), exc.findings)]
    if not params["report_only"]:
        stop_on_failure(proofs)
    return to_result(proofs)


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
