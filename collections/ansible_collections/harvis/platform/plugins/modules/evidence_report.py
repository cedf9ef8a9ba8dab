#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_report
short_description: Write down what was proved about a platform
version_added: 0.1.0
description:
  - Joins the rows of other modules and writes C(evidence.json), C(endpoints.json) and C(report.html) into one folder.
    The page needs no other file.
  - Each file is replaced in one step.
options:
  output_dir:
    description: Folder of the three files; made when it is not there.
    type: path
    required: true
  rows:
    description: Rows of C(check), C(subject), C(passed), C(evidence), C(seconds), as
      M(harvis.platform.endpoint_check) and M(harvis.platform.rollout_info) return them.
    type: list
    elements: dict
    required: true
  findings:
    description: Findings that explain failed rows.
    type: list
    elements: dict
    default: []
  endpoints:
    description: Addresses of what was deployed, by name.
    type: dict
    default: {}
  deployed:
    description: Anything else that the page shows of what runs, by name.
    type: dict
    default: {}
  audits:
    description: Files of JSON that M(harvis.platform.chart_audit) wrote, by the title of each; the page shows what the
      values do. A file that is not there is passed over.
    type: dict
    default: {}
  title:
    description: The page's heading.
    type: str
    default: Harvis Platform
extends_documentation_fragment: [harvis.platform.attributes]
attributes:
  check_mode:
    support: full
    details: Joins and judges the rows, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: A report of the run, not a state of the host. It is written anew every time and never counts as a change.
author: Harvis Platform maintainers
"""

EXAMPLES = r"""
- name: Keep the evidence
  harvis.platform.evidence_report:
    output_dir: "{{ playbook_dir }}/.harvis"
    rows: "{{ answers.rows + pods.rows }}"
    findings: "{{ answers.findings + pods.findings }}"
    endpoints:
      backend: http://192.0.2.10:30080
  delegate_to: localhost
"""

RETURN = r"""
passed:
  description: Whether there is at least one row and every row passed.
  type: bool
  returned: success
table:
  description: The evidence as aligned lines of text.
  type: list
  elements: str
  returned: success
problems:
  description: The findings as text, each with its cause and its fix.
  type: list
  elements: str
  returned: success
files:
  description: Paths of the written files.
  type: dict
  returned: success and not in check mode
"""

import datetime as dt
import typing as t
from dataclasses import asdict
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.audit import html
from ansible_collections.harvis.platform.plugins.module_utils.evidence.files import write_all
from ansible_collections.harvis.platform.plugins.module_utils.evidence.page import Report, render
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence, finding_from_dict
from ansible_collections.harvis.platform.plugins.module_utils.evidence.table import lines, problems
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "output_dir": {"type": "path", "required": True},
    "rows": {"type": "list", "elements": "dict", "required": True},
    "findings": {"type": "list", "elements": "dict", "default": []},
    "endpoints": {"type": "dict", "default": {}},
    "deployed": {"type": "dict", "default": {}},
    "audits": {"type": "dict", "default": {}},
    "title": {"type": "str", "default": "Harvis Platform"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    sections = [html.section(audited) for audited in html.read_audits(params["audits"])]
    report = Report(
        title=params["title"],
        written=dt.datetime.now(tz=dt.UTC),
        rows=[Evidence.from_dict(row) for row in params["rows"]],
        findings=[finding_from_dict(finding) for finding in params["findings"]],
        endpoints={name: str(url) for name, url in params["endpoints"].items()},
        deployed={name: str(value) for name, value in params["deployed"].items()},
        sections=sections,
        style=html.STYLE if sections else "",
        script=html.SCRIPT if sections else "",
    )
    result: dict[str, t.Any] = {
        "changed": False,
        "passed": bool(report.rows) and all(row.passed for row in report.rows),
        "table": lines(report.rows),
        "problems": problems(report.rows, report.findings),
    }
    page = render(report)
    if not module.check_mode:
        rows = [row.to_dict() for row in report.rows]
        result["files"] = asdict(write_all(Path(params["output_dir"]), rows, report.endpoints, page))
    return result


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
