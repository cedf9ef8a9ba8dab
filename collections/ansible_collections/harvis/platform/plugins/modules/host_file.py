#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_file
short_description: Look at a small file of a host
version_added: 0.1.0
description:
  - Says whether a file is there and, where it is asked for, what is in it. It does for a run's own notes what
    M(ansible.builtin.stat) and M(ansible.builtin.slurp) do for any file, in no time where the host is the controller.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
options:
  path: {description: The file., type: path, required: true}
  read: {description: Whether to return what is in it., type: bool, default: false}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Read what was handed over
  harvis.platform.host_file:
    path: /var/lib/harvis/base-images.json
    read: true
"""

RETURN = r"""
exists: {description: Whether it is there., type: bool, returned: always}
text: {description: What is in it; empty where it is not there., type: str, returned: with O(read)}
"""

import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "read": {"type": "bool", "default": False},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One look."""
    place = Path(module.params["path"])
    try:
        exists = place.exists()
        text = place.read_text(encoding="utf-8") if exists and module.params["read"] else ""
    except (OSError, UnicodeDecodeError) as exc:
        raise fail("PLB-INPUT", str(place), f"cannot be read: {exc}", fix="Correct its rights or its content.") from exc
    return {"changed": False, "exists": exists, **({"text": text} if module.params["read"] else {})}


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
