"""VAL-RANDOM: rendering twice gives different objects, so that each upgrade changes a secret or restarts pods."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.parser import parse
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.references import (
    FunctionCall,
    function_calls,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.syntax import (
    TemplateSyntaxError,
    TemplateTree,
)
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import pointer

_RANDOM = frozenset(
    [
        "randAlphaNum",
        "randAlpha",
        "randNumeric",
        "randAscii",
        "randBytes",
        "randInt",
        "uuidv4",
        "genPrivateKey",
        "genCA",
        "genCAWithKey",
        "genSelfSignedCert",
        "genSelfSignedCertWithKey",
        "genSignedCert",
        "genSignedCertWithKey",
        "htpasswd",
        "bcrypt",
        "shuffle",
        "encryptAES",
        "now",
        "date",
        "ago",
        "unixEpoch",
    ]
)
_NAMES = _RANDOM | {"lookup"}


def random_output(subject: AuditSubject) -> t.Iterator[Finding]:
    """One more render, and only for charts that call a function which is never the same twice."""
    if subject.chart is None or subject.rerender is None:
        return
    trees = _trees(subject)
    calls = function_calls(trees, _NAMES)
    # `lookup` keeps what the cluster has: two renders without a cluster say nothing about such a template.
    keeping = {call.file for call in calls if call.function == "lookup"}
    calls = [call for call in calls if call.function in _RANDOM and call.file not in keeping]
    if not calls:
        return
    again = {item.address: item for item in subject.rerender({})}
    told: set[tuple[str, int]] = set()
    for item in subject.objects:
        other = again.get(item.address)
        fields = list(_differences(item.body, other.body)) if other else []
        if not fields:
            continue
        call = _call_for(item.lines.find(fields[0]), calls)
        if call and (call.file, call.line) not in told:
            told.add((call.file, call.line))
            yield _finding(call, item.address, fields)


def _trees(subject: AuditSubject) -> list[TemplateTree]:
    trees = []
    for part in subject.chart.tree() if subject.chart else ():
        for template in part.templates:
            try:
                trees.append(parse(template.text, template.file))
            except (TemplateSyntaxError, RecursionError):
                continue  # not checked, as reading the references says
    return trees


def _differences(one: t.Any, other: t.Any, field: str = "") -> t.Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one:
            yield from _differences(one[key], other.get(key), field + pointer(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _differences(*pair, field + pointer(index))
    elif one != other:
        yield field


def _call_for(place: tuple[str, int], calls: list[FunctionCall]) -> FunctionCall | None:
    """The call on the line of the field, else the closest one before it in the same file, else any."""
    same = [call for call in calls if call.file == place[0]]
    before = [call for call in same if call.line <= place[1]]
    return max(before, key=lambda call: call.line, default=(same or calls or [None])[0])


def _finding(call: FunctionCall, address: str, fields: list[str]) -> Finding:
    return Finding.at(
        "VAL-RANDOM",
        Place(call.file, call.line, "", address, fields[0]),
        f"{call.function} gives something else at each render: every upgrade changes {address}",
        evidence=f"two renders with the same values differ in {', '.join(fields[:3])}",
        fix="Keep what the cluster has with lookup, let a Job or an operator make it, or take it from values.",
    )


DETECTORS = (random_output,)
