#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: text_files
short_description: Have many small text files below one folder of a host
version_added: 0.1.0
description:
  - Writes those that are missing or say something else, each in one step, and leaves all others in the folder alone.
  - One call for all of them, where M(ansible.builtin.copy) asks the host several times for each file.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
  idempotent: {support: full}
options:
  path: {description: The folder; it is made where it is missing., type: path, required: true}
  files:
    description: Texts by path relative to O(path), as the filter P(harvis.platform.file_texts#filter) reads them.
    type: dict
    required: true
author: Harvis Platform maintainers (@harvis)
"""

EXAMPLES = r"""
- name: Bring the recipes of programs to another host
  harvis.platform.text_files:
    path: /var/lib/harvis/src
    files: "{{ playbook_dir | harvis.platform.file_texts(['tools/kubernetes/**/*', 'requirements/host.txt']) }}"
"""

RETURN = r"""
written: {description: Paths of the files that were (or would be) written., type: list, elements: str, returned: always}
"""

import typing as t
from pathlib import Path, PurePosixPath

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.text_file import write_atomically

ARGUMENT_SPEC: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "files": {"type": "dict", "required": True},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Compare all, then write what differs."""
    folder = Path(module.params["path"])
    wanted = {_inside(folder, name): str(text) for name, text in module.params["files"].items()}
    found = {place: _text(place) for place in wanted}
    other = [place for place, text in wanted.items() if found[place] != text]
    if not module.check_mode:
        for place in other:
            write_atomically(place, wanted[place])
    diff = [
        {"before_header": str(place), "after_header": str(place), "before": found[place] or "", "after": wanted[place]}
        for place in other
    ]
    return {"changed": bool(other), "written": [str(place) for place in other], "diff": diff}


def _inside(folder: Path, name: str) -> Path:
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise fail("PLB-INPUT", name, f"is no path below {folder}", fix="Give a path relative to the folder.")
    return folder / relative


def _text(place: Path) -> str | None:
    try:
        return place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise fail("PLB-INPUT", str(place), f"cannot be read: {exc}", fix="Correct its rights or remove it.") from exc


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
