"""The JSON has exactly what programs were promised."""

from __future__ import annotations

import json

from ansible_collections.harvis.platform.plugins.module_utils.audit.document import document
from ansible_collections.harvis.platform.plugins.module_utils.audit.request import AuditReport


def test_the_document_in_full(report: AuditReport) -> None:
    said = json.loads(json.dumps(document(report)))

    assert {key: said[key] for key in said if key != "findings"} == {
        "effects": {
            "web.memory": ["shop/Deployment/web:/spec/template/spec/containers/0/resources/limits/memory"],
            "web.old": [],
            "web.tls": [],
        },
        "not_checked": ["no schema of v9.9.9"],
        "leaves": 3,
        "renders": 9,
        "seconds": 1.235,
    }
    assert said["findings"][0] == {
        "code": "VAL-CROSSED",
        "severity": "error",
        "file": "chart/templates/web.yaml",
        "line": 91,
        "leaf": "backend.resources.limits.memory",
        "object": "shop/Deployment/web",
        "field": "/spec/replicas",
        "cause": "the resources of `web` come from `backend.resources`",
        "evidence": "resources:\n  {{ .Values.backend.resources }}",
        "fix": "Read `web.resources` here.",
    }


def test_a_finding_without_a_place_says_what_it_is_about(report: AuditReport) -> None:
    plain = document(report)["findings"][2]

    assert (plain["file"], plain["line"], plain["object"]) == ("", 0, "helm")
