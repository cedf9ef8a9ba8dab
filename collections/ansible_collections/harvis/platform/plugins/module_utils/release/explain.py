"""Helm's error text, turned into findings that name the value, the template line or the cause."""

from __future__ import annotations

import difflib
import json
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec
from ansible_collections.harvis.platform.plugins.module_utils.release.values import locate

_SCHEMA = "values don't meet the specifications of the schema"
# Helm 4 and 3.18 name a JSON pointer; older Helm a dotted path or (root).
_SCHEMA_LINE = re.compile(r"^\s*- (?:at '(?P<pointer>[^']*)'|(?P<dotted>[^:]+)): (?P<cause>.+)$", re.MULTILINE)
_UNKNOWN_NAMES = re.compile(r"additional propert(?:y|ies) (?P<names>.+?) (?:is |are )?not allowed", re.IGNORECASE)
_TEMPLATE = re.compile(r"[\w.-]+/(?P<file>(?:charts/[\w.-]+/)*templates/[^\s:]+?):(?P<line>\d+)(?::\d+)?")
_YAML = re.compile(r"YAML parse error on [^/\s]+/(?P<file>\S+): (?P<cause>.+)")
_EXECUTION = re.compile(r"^execution error at \([^)]*\): ")
_TIMED_OUT = ("context deadline exceeded", "timed out waiting", "not ready. status:")

_HOOK = re.compile(r"(?P<when>(?:pre|post)-(?:install|upgrade|rollback|delete)) hooks? failed: (?P<cause>.+)")

_PLAIN: tuple[tuple[str, str, str, str], ...] = (
    (
        "another operation (install/upgrade/rollback) is in progress",
        "REL-LOCKED",
        "another helm run holds the release",
        "Let it end, then run again.",
    ),
    (
        "cluster unreachable",
        "REL-CLUSTER",
        "helm cannot reach the cluster",
        "Start the cluster (`make up`), or name the right kubeconfig and context.",
    ),
    (
        "missing in charts/ directory",
        "VAL-RENDER",
        "a chart that this one depends on is not there",
        "Run `helm dependency build` on the chart.",
    ),
    (
        "invalid ownership metadata",
        "REL-OWNED",
        "an object of the chart exists already and belongs to something else",
        "Rename it in the chart, remove it from its owner, or hand it over to this release with take_ownership.",
    ),
)


def explain(result: CommandResult, spec: ReleaseSpec) -> list[Finding]:
    """At least one finding for a failed helm command; secrets given to the release are blanked."""
    text = hide(f"{result.stderr}\n{result.stdout}" if result.stderr.strip() else result.stdout, spec).strip()
    if _SCHEMA in text:
        return _schema(text, spec)
    hook = _HOOK.search(text)
    if hook:
        fix = (
            "See why that hook fails (its Job or Pod stays, unless its hook-delete-policy removes it), then run again."
        )
        return [Finding("REL-HOOK", _subject(spec), f"a {hook['when']} hook failed: {hook['cause']}", _tail(text), fix)]
    for words, code, cause, fix in _PLAIN:
        if words in text:
            return [Finding(code, _subject(spec), cause, _tail(text), fix)]
    return _template(text) or [_other(text, spec)]


def is_timeout(result: CommandResult) -> bool:
    """Whether helm gave up waiting, rather than being refused."""
    return any(words in result.stderr + result.stdout for words in _TIMED_OUT)


def hide(text: str, spec: ReleaseSpec) -> str:
    """``text`` without the secret values of the release."""
    for secret in spec.secret_texts:
        text = text.replace(secret, "********")
    return text


def _schema(text: str, spec: ReleaseSpec) -> list[Finding]:
    found: list[Finding] = []
    for match in _SCHEMA_LINE.finditer(text):
        pointer, dotted = match["pointer"], (match["dotted"] or "").replace("(root)", "")
        path = [part for part in (pointer.split("/") if pointer is not None else dotted.split(".")) if part]
        unknown = _UNKNOWN_NAMES.search(match["cause"])
        names = re.findall(r"[\w.-]+", unknown["names"]) if unknown else []
        for leaf in [[*path, name] for name in names] or [path]:
            cause = "the chart has no such value" if names else match["cause"]
            found.append(Finding("VAL-SCHEMA", _value_subject(leaf, spec), cause, match[0].strip(), _hint(leaf, spec)))
    return found or [Finding("VAL-SCHEMA", _subject(spec), "the values do not fit the chart's schema", _tail(text))]


def _value_subject(path: list[str], spec: ReleaseSpec) -> str:
    name = ".".join(path) or "the values"
    where = locate(path, spec.values_files)
    return f"{where} {name}" if where else name


def _hint(path: list[str], spec: ReleaseSpec) -> str:
    """The name that was probably meant, out of the chart's own schema."""
    try:
        node: dict[str, t.Any] = json.loads((spec.chart / "values.schema.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "Correct the value; the chart's values.yaml shows what it takes."
    for step in path[:-1]:
        node = node.get("properties", {}).get(step) or {}
    known = sorted(node.get("properties", {}))
    if not path or path[-1] in known or not known:
        return "Correct the value; the chart's values.yaml shows what it takes."
    near = difflib.get_close_matches(path[-1], known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."


def _template(text: str) -> list[Finding]:
    match = _YAML.search(text)
    if match:
        fix = "Correct the template: what it renders is not YAML (often an indentation, or a text without quotes)."
        return [Finding("VAL-RENDER", match["file"], match["cause"], _tail(text), fix)]
    places = [f"{m['file']}:{m['line']}" for m in _TEMPLATE.finditer(text)]
    if not places:
        return []
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Use --debug")]
    cause = _EXECUTION.sub("", lines[-1].removeprefix("Error: "))
    return [Finding("VAL-RENDER", places[-1], cause, _tail(text), "Set the value that the template asks for.")]


def _other(text: str, spec: ReleaseSpec) -> Finding:
    return Finding("REL-FAILED", _subject(spec), "helm failed", _tail(text))


def _subject(spec: ReleaseSpec) -> str:
    return f"release {spec.namespace}/{spec.name}"


def _tail(text: str) -> str:
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith("Use --debug")]
    return "\n".join(kept[-15:])
