"""What an endpoint promises of its answer, and the judgement whether an answer keeps it."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Answer, refuse

Schema = t.Mapping[str, t.Any]
JSON = "application/json"


@dataclass(frozen=True)
class Promise:
    """Status, bare media type and JSON schema an answer must have; ``None`` leaves one open."""

    status: tuple[int, ...] = (200,)
    content_type: str | None = JSON
    schema: Schema | None = None


def keep(answer: Answer, promise: Promise, *, fix: str = "") -> t.Any:
    """Return the answer's JSON (``None`` where another type was promised), or raise what is wrong with it."""
    if answer.status not in promise.status:
        wanted = " or ".join(map(str, promise.status))
        raise refuse(
            "PRB-CONTENT",
            answer.subject,
            f"status {answer.status} instead of {wanted}: {reason(answer)}",
            fix=fix or "Look at the log of the service behind this address.",
        )
    if promise.content_type and answer.content_type != promise.content_type:
        raise refuse(
            "PRB-CONTENT",
            answer.subject,
            f"answers {answer.content_type or 'no content type'} instead of {promise.content_type}",
            evidence=answer.excerpt,
            fix="Another program answers at this address (a proxy's or a web server's page?): look where it leads to.",
        )
    if promise.schema is None and promise.content_type != JSON:
        return None
    found = _parsed(answer)
    if promise.schema is not None:
        _conform(answer, found, promise.schema)
    return found


def reason(answer: Answer) -> str:
    """Why a service refused, in its own words: the usual fields of a JSON error, else the start of the body."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return answer.excerpt or "no body"
    if isinstance(found, dict):
        told = [found[key] for key in ("code", "cause", "reason", "detail", "error") if found.get(key)]
        texts = [item if isinstance(item, str) else json.dumps(item) for item in told]
        if texts:
            return ": ".join(texts)[:300]
    return answer.excerpt


def _parsed(answer: Answer) -> t.Any:
    try:
        return json.loads(answer.body)
    except ValueError as exc:
        raise refuse(
            "PRB-CONTENT",
            answer.subject,
            f"the body is not JSON: {exc}",
            evidence=answer.excerpt,
            fix="Look at its log.",
        ) from exc


def _conform(answer: Answer, found: t.Any, schema: Schema) -> None:
    import jsonschema

    try:
        jsonschema.validate(found, schema)
    except jsonschema.ValidationError as exc:
        raise refuse(
            "PRB-CONTENT",
            answer.subject,
            f"the JSON is not what the endpoint promises: {exc.json_path}: {exc.message[:160]}",
            evidence=answer.excerpt,
            fix="Look whether the image that runs is the one made from today's sources (image-digest).",
        ) from exc
    except jsonschema.SchemaError as exc:
        raise fail(
            "PLB-INPUT", "expect.schema", f"not a JSON schema: {exc.message}", fix="Correct the schema."
        ) from exc


def record(required: t.Mapping[str, Schema], optional: t.Mapping[str, Schema] | None = None) -> Schema:
    """The schema of an object with these fields; others may be there (services grow)."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
