"""The report: one page of HTML that needs nothing else, for a person in a browser, by day and by night."""

from __future__ import annotations

import datetime as dt
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Evidence
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

if t.TYPE_CHECKING:
    from markupsafe import Markup

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --dim: #5b6675; --paper: #f6f7f9; --card: #fff; --line: #dde2e8;
  --good: #12703a; --good-bg: #dff3e6; --bad: #a31621; --bad-bg: #fbe3e4; --link: #1558b0; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf0; --dim: #97a3b3; --paper: #12161c; --card: #1a2029; --line: #2d3642;
    --good: #7fdca0; --good-bg: #163524; --bad: #ff9aa2; --bad-bg: #43191d; --link: #8ab8ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p { margin: .3rem 0; } .dim { color: var(--dim); } a { color: var(--link); }
.verdict { display: inline-block; margin: .8rem 0 0; padding: .3rem .8rem; border-radius: 1rem; font-weight: 600; }
.good { color: var(--good); background: var(--good-bg); } .bad { color: var(--bad); background: var(--bad-bg); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; min-width: 58rem; } .subject { min-width: 17rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--dim); font-weight: 600; font-size: .85rem; }
td, dd { overflow-wrap: anywhere; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.number, .check { white-space: nowrap; }
.mark { border-radius: .3rem; padding: .05rem .4rem; font-size: .8rem; font-weight: 600; white-space: nowrap; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .35rem 1rem; margin: 0; padding: .8rem; }
dt { color: var(--dim); } dd { margin: 0; }
article { padding: .8rem; border-top: 1px solid var(--line); } article:first-child { border-top: 0; }
article p { white-space: pre-line; overflow-wrap: anywhere; } code { font: .88em ui-monospace, monospace; }
"""

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ report.title }}: {{ verdict }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>{{ report.title }}</h1>
<p class="dim">Verified {{ report.written.strftime("%Y-%m-%d %H:%M:%S %Z") }}</p>
<p class="verdict {{ "bad" if failed else "good" }}">{{ verdict }}</p>
{% if report.findings %}
<h2>What is wrong, and what to do</h2>
<div class="card">
{% for finding in report.findings %}
<article>
<p><span class="mark bad">{{ finding.code }}</span> <code>{{ finding.subject }}</code></p>
<p>{{ finding.cause | code }}</p>
{% if finding.evidence %}<p class="dim">{{ finding.evidence | code }}</p>{% endif %}
{% if finding.fix %}<p><strong>What to do:</strong> {{ finding.fix | code }}</p>{% endif %}
</article>
{% endfor %}
</div>
{% endif %}
{% if report.endpoints or report.deployed %}
<h2>What is deployed</h2>
<div class="card">
<dl>
{% for name, url in report.endpoints.items() %}
<dt>{{ name }}</dt><dd>{% if url.startswith(("http://", "https://")) %}<a href="{{ url }}">{{ url }}</a>\
{% else %}{{ url }}{% endif %}</dd>
{% endfor %}
{% for name, value in report.deployed.items() %}
<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}
</dl>
</div>
{% endif %}
<h2>Evidence</h2>
<div class="card">
<table>
<thead><tr><th scope="col">Result</th><th scope="col">Check</th><th scope="col">Subject</th>\
<th scope="col">What was seen</th><th scope="col" class="number">Seconds</th></tr></thead>
<tbody>
{% for row in report.rows %}
<tr>
<td><span class="mark {{ "good" if row.passed else "bad" }}">{{ "passed" if row.passed else "failed" }}</span></td>
<td class="check">{{ row.check }}</td>
<td class="subject">{{ row.subject }}</td>
<td>{{ row.evidence }}</td>
<td class="number">{{ "%.1f" | format(row.seconds) }}</td>
</tr>
{% endfor %}
</tbody>
</table>
</div>
{% for section in report.sections %}
{{ section }}
{% endfor %}
</main>
{% if report.script %}
<script>{{ script }}</script>
{% endif %}
</body>
</html>
"""


@dataclass(frozen=True)
class Report:
    """Everything on the page. ``deployed`` is what runs, by name: releases, images, node, model.

    ``sections`` are further parts of the page, already escaped, with the ``style`` and ``script`` that they need.
    """

    title: str
    written: dt.datetime
    rows: t.Sequence[Evidence]
    findings: t.Sequence[Finding] = ()
    endpoints: t.Mapping[str, str] = field(default_factory=dict)
    deployed: t.Mapping[str, str] = field(default_factory=dict)
    sections: t.Sequence[Markup] = ()
    style: str = ""
    script: str = ""


def render(report: Report) -> str:
    """Everything that comes from outside is escaped by the template engine."""
    import jinja2
    import markupsafe

    failed = sum(not row.passed for row in report.rows)
    verdict = f"{failed} of {len(report.rows)} checks failed" if failed else f"all {len(report.rows)} checks passed"
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["code"] = code
    template = environment.from_string(TEMPLATE)
    style, script = markupsafe.Markup(STYLE + report.style), markupsafe.Markup(report.script)
    return template.render(report=report, style=style, script=script, failed=failed, verdict=verdict)


def code(text: str) -> Markup:
    """What stands between backticks is set as code; everything is escaped first."""
    import markupsafe

    parts = [markupsafe.escape(part) for part in text.split("`")]
    if len(parts) % 2 == 0:  # a backtick without its partner is only a character
        return markupsafe.escape(text)
    tagged = [markupsafe.Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts)]
    return markupsafe.Markup("").join(tagged)
