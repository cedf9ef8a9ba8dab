"""The audit as a section of the report, and as a page of its own: values, objects, and the effects between them.

Made from the JSON document alone, so that a report can be written long after the audit.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.html_script import SCRIPT
from ansible_collections.harvis.platform.plugins.module_utils.audit.html_style import STYLE
from ansible_collections.harvis.platform.plugins.module_utils.evidence.page import STYLE as PAGE_STYLE
from ansible_collections.harvis.platform.plugins.module_utils.evidence.page import code
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail

if t.TYPE_CHECKING:
    from markupsafe import Markup

SECTION = """
<section class="audit">
<h2>What the values do: {{ title }}</h2>
<p class="dim">{{ summary }}</p>
{% if findings %}
<div class="card">
{% for finding in findings %}
<article>
<p><span class="mark {{ marks[finding.severity] }}">{{ finding.code }}</span> <code>{{ finding.file }}\
{% if finding.line %}:{{ finding.line }}{% endif %}</code> <code>{{ finding.leaf }}</code></p>
{% if finding.object %}
<p class="dim"><code>{{ finding.object }} {{ finding.field }}</code></p>
{% endif %}
<p>{{ finding.cause | code }}</p>
{% if finding.evidence %}<p class="dim">{{ finding.evidence | code }}</p>{% endif %}
{% if finding.fix %}<p><strong>What to do:</strong> {{ finding.fix | code }}</p>{% endif %}
</article>
{% endfor %}
</div>
{% endif %}
{% if not_checked %}
<details><summary>Not checked ({{ not_checked | length }})</summary>
<ul>{% for reason in not_checked %}<li>{{ reason }}</li>{% endfor %}</ul></details>
{% endif %}
{% if values %}
<p class="tools"><label>Find a value or field <input type="search" autocomplete="off"></label>
<label><input type="checkbox"> only values without effect</label></p>
<p class="said card" role="status" aria-live="polite">Choose a value to see what it changes, or a field to see what
changes it. Arrow keys move, Escape lets go.</p>
<div class="map card">
<div class="values" role="group" aria-label="Values"></div>
<svg aria-hidden="true"></svg>
<div class="objects" role="group" aria-label="Objects and their fields"></div>
</div>
<noscript><p class="card">The map needs scripts; the audit's JSON says the same.</p></noscript>
<script type="application/json">{{ data }}</script>
{% endif %}
</section>
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit: {{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>Audit</h1>
<p class="verdict {{ "bad" if errors else "good" }}">{{ verdict }}</p>
{{ section }}
</main>
<script>{{ script }}</script>
</body>
</html>
"""

MARKS = {"error": "bad", "warning": "caution", "info": "quiet"}


@dataclass(frozen=True)
class Audited:
    """A finished audit: what it was of, and its document."""

    title: str
    document: dict[str, t.Any]


def read_audits(files: t.Mapping[str, str]) -> list[Audited]:
    """The documents in files, by title; files that are not there are passed over. Raises HarvisError."""
    found = []
    for title, name in files.items():
        try:
            found.append(Audited(title, json.loads(Path(name).read_text())))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as exc:
            raise fail("PLB-INPUT", name, f"is no result of an audit: {exc}") from exc
    return found


def section(audited: Audited) -> Markup:
    """Without style and script, which a page has once (``STYLE``, ``SCRIPT``)."""
    import markupsafe

    document = audited.document
    findings = document["findings"]
    return markupsafe.Markup(
        _template(SECTION).render(
            title=audited.title,
            summary=summary(document),
            findings=[f for f in findings if f["severity"] != "info"],
            not_checked=document["not_checked"],
            values=document["effects"],
            marks=MARKS,
            data=markupsafe.Markup(_data(document)),
        )
    )


def page(audited: Audited) -> str:
    """One file that needs no other."""
    import markupsafe

    errors = _number(audited.document, "error")
    return _template(PAGE).render(
        title=audited.title,
        errors=errors,
        verdict=_count(errors, "error") if errors else "no error",
        section=section(audited),
        style=markupsafe.Markup(PAGE_STYLE + STYLE),
        script=markupsafe.Markup(SCRIPT),
    )


def summary(document: dict[str, t.Any]) -> str:
    counts = [_count(_number(document, severity), word) for severity, word in _WORDS.items()]
    work = [_count(document["leaves"], "value"), _count(document["renders"], "render"), f"{document['seconds']:.1f} s"]
    return f"{', '.join(counts)}; {len(document['not_checked'])} not checked; {', '.join(work)}"


_WORDS = {"error": "error", "warning": "warning", "info": "note"}


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _number(document: dict[str, t.Any], severity: str) -> int:
    return sum(f["severity"] == severity for f in document["findings"])


def _data(document: dict[str, t.Any]) -> str:
    """What the script draws. ``<`` is written as an escape: the text must not end the script element."""
    said = [{k: f[k] for k in ("code", "severity", "leaf", "object", "field", "cause")} for f in document["findings"]]
    return json.dumps({"effects": document["effects"], "findings": said}, ensure_ascii=False).replace("<", "\\u003c")


def _template(text: str) -> t.Any:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["code"] = code
    return environment.from_string(text)
