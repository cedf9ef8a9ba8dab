#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_topics
short_description: Make Kafka's topics as described, and report what cannot be made so
version_added: 0.1.0
description:
  - Creates missing topics, adds partitions and changes configuration that differs.
  - Too many partitions and another number of replicas cannot be mended without losing or moving messages. They fail as
    C(KFK-DRIFT), after everything else was done.
  - Also connects to every address that the broker sends clients to, because a wrong advertised listener lets clients
    connect and then go nowhere.
extends_documentation_fragment:
  - harvis.platform.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  bootstrap:
    description: Addresses of brokers as C(host:port), several with commas.
    type: str
    required: true
  topics:
    description: The topics. Others are reported in RV(unknown) and left alone.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the topic.
        type: str
        required: true
      state:
        description: With V(absent) the topic is deleted with its messages.
        type: str
        choices: [present, absent]
        default: present
      partitions:
        description: Number of partitions. Without it, the broker's default for a new topic.
        type: int
      replication_factor:
        description: Number of replicas. Without it, the broker's default for a new topic.
        type: int
      config:
        description: Configuration of the topic. Keys that are not named here are left alone.
        type: dict
        default: {}
  timeout:
    description: Seconds to wait for an answer.
    type: int
    default: 30
author:
  - Harvis Platform (@harvis)
"""

EXAMPLES = r"""
- name: The topics of the memory workers
  harvis.platform.kafka_topics:
    bootstrap: 192.0.2.10:30992
    topics:
      - name: anchors-write
        partitions: 3
        config:
          retention.ms: 604800000
      - name: anchors-indexed
        partitions: 3
"""

RETURN = r"""
reasons:
  description: What differed, one line each; empty when nothing did.
  returned: always, also with C(KFK-DRIFT)
  type: list
  elements: str
  sample: ["topic anchors-write: partitions 1 -> 3"]
topics:
  description: The described topics as they are now (would be, in check mode), by name.
  returned: success
  type: dict
  sample:
    anchors-write:
      partitions: 3
      replication_factor: 1
      config:
        retention.ms: "604800000"
unknown:
  description: Topics that are there and that nobody described, for example because of a misspelt name.
  returned: success
  type: list
  elements: str
internal:
  description: Kafka's own topics.
  returned: success
  type: list
  elements: str
findings:
  description: What is wrong, with cause, evidence and fix.
  returned: failure
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.broker.admin import KafkaAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.converge import converge_topics
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import Topic
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "bootstrap": {"type": "str", "required": True},
    "topics": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "partitions": {"type": "int"},
            "replication_factor": {"type": "int"},
            "config": {"type": "dict", "default": {}},
        },
    },
    "timeout": {"type": "int", "default": 30},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    admin = KafkaAdmin(module.params["bootstrap"], module.params["timeout"])
    wanted = [Topic.from_params(topic) for topic in module.params["topics"]]
    return converge_topics(admin, wanted, check_mode=module.check_mode)


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
