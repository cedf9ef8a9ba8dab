"""The table as it stands on a terminal."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport
from ansible_collections.harvis.platform.plugins.module_utils.audit.table import WIDTH, lines
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place

TOLD = """\
ERROR     VAL-CROSSED     chart/templates/web.yaml:91
          value     backend.resources.limits.memory
          object    shop/Deployment/web /spec/replicas
          cause     the resources of `web` come from `backend.resources`
          evidence  resources:
                      {{ .Values.backend.resources }}
          fix       Read `web.resources` here.

ERROR     PLB-PROCESS     helm
          cause     the helm program is not there
          fix       Install it.

Notes (1)
  chart/values.yaml:9  VAL-DORMANT  sleeps until `web.secure` is true

Accepted (1)
  chart/values.yaml:3  VAL-DEAD  kept for the old release

Not checked (1)
  no schema of v9.9.9

2 errors, 0 warnings, 1 note, 1 accepted, 1 not checked (3 values, 9 renders, 1.2 s)
"""


def test_the_table_in_full(report: AuditReport) -> None:
    assert "\n".join(lines(report)) + "\n" == TOLD


def test_long_text_is_wrapped_and_a_path_never_broken(report: AuditReport) -> None:
    path = "very/" * 30 + "long.yaml"
    finding = Finding.at("VAL-DEAD", Place("v.yaml", 1), f"{'words and ' * 30} {path} more")

    told = lines(replace(report, findings=(finding,)))

    assert [line for line in told if len(line) > WIDTH] == [f"{'':20}{path}"]


def test_nothing_wrong_is_said_in_one_line() -> None:
    said = "0 errors, 0 warnings, 0 notes, 0 accepted, 0 not checked (0 values, 0 renders, 0.0 s)"

    assert lines(AuditReport(())) == [said]
