#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: model_choice
short_description: Decide which Ollama model a platform runs
version_added: 0.1.0
description:
  - With V(auto), the preferred model where Ollama's registry answers, else the random test weights of our own image.
  - The first choice is recorded and kept.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: The choice is returned.}
  idempotent: {support: full}
options:
  model: {description: A model's name, or V(auto)., type: str, required: true}
  preferred: {description: What V(auto) prefers., type: str, default: llama3}
  test_weights:
    description: GGUF file of random weights inside the Ollama image.
    type: str
    default: /usr/share/harvis/random-test/model.gguf
  record: {description: File that keeps the choice., type: path, required: true}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Choose the model
  harvis.platform.model_choice:
    model: auto
    record: /var/lib/harvis/model.json
"""

RETURN = r"""
name: {description: Name of the model., type: str, returned: success}
test_weights: {description: GGUF file it is made from; empty for a model that is pulled., type: str, returned: success}
reason: {description: Why., type: str, returned: success}
"""

import typing as t
from dataclasses import asdict
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.model import choose_model, save
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "model": {"type": "str", "required": True},
    "preferred": {"type": "str", "default": "llama3"},
    "test_weights": {"type": "str", "default": "/usr/share/harvis/random-test/model.gguf"},
    "record": {"type": "path", "required": True},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Choose, and record."""
    p = module.params
    record = Path(p["record"])
    choice = choose_model(p["model"], preferred=p["preferred"], test_weights=p["test_weights"], record=record)
    return {"changed": save(choice, record, dry=module.check_mode), **asdict(choice)}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
