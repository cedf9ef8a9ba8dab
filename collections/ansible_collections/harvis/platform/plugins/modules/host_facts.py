#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: Say who a host is
version_added: 0.1.0
description:
  - Returns the few facts that the platform's variables build on. Unlike M(ansible.builtin.setup) it needs no program
    on the host, so it also works on a bare one.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: Changes nothing.}
  idempotent: {support: full}
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Learn who the host is
  harvis.platform.host_facts:
"""

RETURN = r"""
ansible_facts:
  description: C(harvis_host) with C(address), C(name) and C(home).
  type: dict
  returned: success
"""

import typing as t
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.preflight.identity import identity


def run(_module: AnsibleModule) -> dict[str, t.Any]:
    """One look."""
    return {"changed": False, "ansible_facts": {"harvis_host": asdict(identity())}}


def main() -> None:
    run_module({}, run)


if __name__ == "__main__":
    main()
