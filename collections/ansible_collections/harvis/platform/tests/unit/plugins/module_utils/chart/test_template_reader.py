"""Which values templates read: (template, values) → reads as ``line path use flags``."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.references import (
    TemplateFile,
    read_templates,
)

VALUES: dict[str, t.Any] = {
    "a": "x",
    "on": True,
    "off": False,
    "kind": "web",
    "block": {"b": 1, "c-d": 2, "deep": {"e": 3}},
    "list": [{"n": 1}, {"n": 2}],
    "empty": {},
    "text": "{{ .Values.a }}",
    "global": {"g": 1},
    "sub": {"own": 1, "global": {"g": 1}},
}

# ``line:path flags``, line 1 where none is given. G: guarded, W: whole, ?: not exact, -: not reached, ~: that depends.
PRINTS: list[tuple[str, str, list[str]]] = [
    ("a field", "{{ .Values.a }}", ["a"]),
    ("through $", "{{ $.Values.a }}", ["a"]),
    ("with trim markers", "x\n{{- .Values.a -}}\ny", ["2:a"]),
    ("a comment is not read", "{{/* .Values.a */}}{{- /* {{ .Values.a }} */ -}}", []),
    ("braces in a string", '{{ printf "}}" .Values.a }}', ["a"]),
    ("a raw string over lines", "{{ `x\n}}` }}{{ .Values.a }}", ["2:a"]),
    ("two arguments", "{{ printf `%s` .Values.a .Values.kind }}", ["a", "kind"]),
    ("piped", "{{ .Values.a | quote }}", ["a"]),
    ("in parentheses, then a field", "{{ (.Values.block).b }}", ["block.b"]),
    ("over lines", "{{ printf\n  .Values.a\n  .Values.kind }}", ["2:a", "3:kind"]),
    ("a variable", "{{ $x := .Values.block }}{{ $x.b }}", ["block.b"]),
    ("a variable never printed", "{{ $x := .Values.block }}", []),
    ("a variable set in a branch", "{{ $x := `y` }}{{ if .Values.on }}{{ $x = .Values.a }}{{ end }}{{ $x }}", ["a"]),
    ("with", "{{ with .Values.block }}{{ .b }}{{ end }}", ["block.b"]),
    ("with and a variable", "{{ with $x := .Values.block }}{{ $x.b }}{{ end }}", ["block.b"]),
    ("$ inside with", "{{ with .Values.block }}{{ $.Values.a }}{{ end }}", ["a"]),
    ("else of with", "{{ with .Values.empty }}{{ .z }}{{ else }}{{ .Values.a }}{{ end }}", ["a", "empty.z -"]),
    ("range over a list", "{{ range .Values.list }}{{ .n }}{{ end }}", ["list[0].n", "list[1].n"]),
    ("range with index", "{{ range $i, $x := .Values.list }}{{ $x.n }}{{ end }}", ["list[0].n", "list[1].n"]),
    ("range over a map", "{{ range $k, $v := .Values.block.deep }}{{ $v }}{{ end }}", ["block.deep.e"]),
    ("index", '{{ index .Values "block" "c-d" }}', ["block.c-d"]),
    ("index of a list", "{{ (index .Values.list 1).n }}", ["list[1].n"]),
    ("a computed key", "{{ $k := .Release.Name }}{{ index .Values.block.deep $k }}", ["block.deep.e"]),
    ("get", '{{ get .Values.block "b" }}', ["block.b G"]),
    ("dig", '{{ dig "deep" "e" 9 .Values.block }}', ["block.deep.e G"]),
    ("pluck", '{{ pluck "b" .Values.block | first }}', ["block.b G"]),
    ("default", '{{ .Values.zz | default "y" }}', ["zz G"]),
    ("default from values", "{{ default .Values.a .Values.zz }}", ["a", "zz G"]),
    ("coalesce", "{{ coalesce .Values.zz .Values.a }}", ["a G", "zz G"]),
    ("required", '{{ required "say" .Values.zz }}', ["zz G"]),
    ("ternary, settled", "{{ ternary .Values.a .Values.kind .Values.on }}", ["a", "kind G-"]),
    ("toYaml takes all", "{{ toYaml .Values.block | nindent 2 }}", ["block W"]),
    ("toYaml of something missing", "{{ toYaml .Values.zz }}", ["zz W"]),
    ("tpl", "{{ tpl .Values.text . }}", ["a", "text"]),
    ("merge", "{{ (merge .Values.empty .Values.block).b }}", ["block.b G", "empty.b G"]),
    ("dict with set", '{{ $d := dict }}{{ $_ := set $d "k" .Values.a }}{{ $d.k }}', ["a"]),
    ("under a condition that holds", "{{ if .Values.on }}{{ .Values.a }}{{ end }}", ["a"]),
    ("under one that does not", "{{ if .Values.off }}{{ .Values.a }}{{ end }}", ["a -"]),
    ("its else", "{{ if .Values.off }}{{ else }}{{ .Values.a }}{{ end }}", ["a"]),
    ("else if", '{{ if .Values.off }}{{ else if eq .Values.kind "web" }}{{ .Values.a }}{{ end }}', ["a"]),
    ("eq", '{{ if eq .Values.kind "job" }}{{ .Values.a }}{{ end }}', ["a -"]),
    ("and, or, not", "{{ if and .Values.on (not .Values.off) }}{{ .Values.a }}{{ end }}", ["a"]),
    ("hasKey", '{{ if hasKey .Values.block "zz" }}{{ .Values.block.zz }}{{ end }}', ["block.zz G-"]),
    ("what the cluster knows", '{{ if .Capabilities.APIVersions.Has "v1" }}{{ .Values.a }}{{ end }}', ["a ~"]),
    ("under its own condition", "{{ if .Values.a }}{{ .Values.a }}{{ end }}", ["a G"]),
    ("a named template with the context", '{{ define "n" }}{{ .Values.a }}{{ end }}{{ include "n" . }}', ["a"]),
    (
        "a named template with a dict",
        '{{ define "n" }}{{ .x.b }}{{ .ctx.Values.a }}{{ end }}\n{{ include "n" (dict "x" .Values.block "ctx" $) }}',
        ["a", "block.b"],
    ),
    ("template", '{{ define "n" }}{{ .b }}{{ end }}{{ template "n" .Values.block }}', ["block.b"]),
    ("block", '{{ block "n" .Values.block }}{{ .b }}{{ end }}', ["block.b"]),
    ("itself", '{{ define "n" }}{{ .Values.a }}{{ include "n" . }}{{ end }}{{ include "n" . }}', ["a"]),
    ("a template that is not there", '{{ include "lib.x" .Values.block }}', []),
]


@pytest.mark.parametrize(("template", "printed"), [p[1:] for p in PRINTS], ids=[p[0] for p in PRINTS])
def test_what_is_printed(template: str, printed: list[str]) -> None:
    reading = read_templates([TemplateFile("t.yaml", template)], VALUES)

    assert reading.not_checked == ()
    assert sorted({written(ref) for ref in reading.references if ref.use == "print"}) == sorted(
        text if text[0].isdigit() else f"1:{text}" for text in printed
    )


def written(ref: Reference) -> str:
    reached = {True: "", False: "-", None: "~"}[ref.reached]
    flags = f"{'G' if ref.guarded else ''}{'W' if ref.whole else ''}{'' if ref.exact else '?'}{reached}"
    return f"{ref.line}:{ref.name} {flags}".rstrip()


USES: list[tuple[str, str, str]] = [
    ("a switch", "{{ if .Values.on }}{{ end }}", "test"),
    ("a switch, turned round", "{{ if not .Values.on }}{{ end }}", "test"),
    ("a comparison is no switch", '{{ if eq .Values.on "x" }}{{ end }}', "look"),
    ("a number's comparison", "{{ if gt .Values.on 3 }}{{ end }}", "compare"),
    ("default true", "{{ .Values.on | default true }}", "default true"),
    ("default number", "{{ default 3 .Values.on }}", "default number"),
    ("range", "{{ range .Values.on }}{{ end }}", "range"),
    ("handed to a template that is not there", '{{ include "lib.x" .Values.on }}', "pass"),
]


@pytest.mark.parametrize(("template", "use"), [u[1:] for u in USES], ids=[u[0] for u in USES])
def test_how_it_is_used(template: str, use: str) -> None:
    references = read_templates([TemplateFile("t.yaml", template)], VALUES).references

    assert use in {ref.use for ref in references if ref.name == "on"}
    assert ("test" in {ref.use for ref in references}) == (use == "test")


def test_a_subchart_reads_below_its_name_and_global_is_the_root_s() -> None:
    file = TemplateFile("charts/sub/t.yaml", "{{ .Values.own }}{{ .Values.global.g }}", ("sub",))

    names = [ref.name for ref in read_templates([file], VALUES).references]

    assert names == ["global.g", "sub.own"]


def test_a_named_template_is_shared_by_charts_and_the_parent_s_wins() -> None:
    files = [
        TemplateFile("charts/sub/_x.tpl", '{{ define "n" }}{{ .Values.mine }}{{ end }}', ("sub",)),
        TemplateFile("_x.tpl", '{{ define "n" }}{{ .Values.a }}{{ end }}'),
        TemplateFile("t.yaml", '\n{{ include "n" . }}'),
    ]

    found = [(ref.file, ref.line, ref.name) for ref in read_templates(files, VALUES).references]

    assert found == [("_x.tpl", 1, "a")]


def test_a_read_knows_where_values_were_handed_over() -> None:
    files = [
        TemplateFile("_x.tpl", '{{ define "n" }}\n{{ .of.b }}{{ end }}'),
        TemplateFile("t.yaml", 'a\n\n{{ include "n" (dict "of" .Values.block) }}'),
    ]

    found = [(ref.file, ref.line, ref.start) for ref in read_templates(files, VALUES).references]

    assert found == [("_x.tpl", 2, ("t.yaml", 3))]


def test_a_read_knows_what_it_waits_for() -> None:
    template = '{{ if and .Values.on (eq .Values.kind "job") }}{{ .Values.a }}{{ end }}'

    printed = [ref for ref in read_templates([TemplateFile("t", template)], VALUES).references if ref.use == "print"]

    assert [(ref.name, ref.waits_for) for ref in printed] == [("a", (("kind",), ("on",)))]


BROKEN: list[tuple[str, str, int]] = [
    ("an open action", "a\n{{ .Values.a", 2),
    ("a block without end", "a\n{{ if .Values.a }}\nb", 2),
    ("an end too many", "a\n\n{{ end }}", 3),
    ("a pipe to nothing", "{{ .Values.a | }}", 1),
    ("an open parenthesis", "{{ (.Values.a }}", 1),
    ("an open string", '{{ "a }}', 1),
    ("a character Go does not know", "{{ .Values.a ; }}", 1),
    ("define without a name", "{{ define }}{{ end }}", 1),
    ("deeper than anybody writes", "{{ if .x }}" * 500 + "{{ end }}" * 500, 1),
    ("parentheses deeper still", "{{ " + "(" * 500 + ".x" + ")" * 500 + " }}", 1),
]


@pytest.mark.parametrize(("template", "line"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_template_that_is_none_is_not_checked_and_the_others_are(template: str, line: int) -> None:
    good = TemplateFile("good.yaml", "{{ .Values.a }}")

    reading = read_templates([TemplateFile("bad.yaml", template), good], VALUES)

    assert [text.partition(": ")[0] for text in reading.not_checked] == [f"bad.yaml:{line}"]
    assert [ref.name for ref in reading.references] == ["a"]


def test_templates_that_include_each_other_without_end_come_to_an_end() -> None:
    """Each call hands on something new, so that no two are the same."""
    names = [f"n{number}" for number in range(12)]
    calls = "".join(f'{{{{ include "{name}" (dict "x" .) }}}}' for name in names)
    text = "".join(f'{{{{ define "{name}" }}}}{calls}{{{{ end }}}}' for name in names) + calls

    reading = read_templates([TemplateFile("t.yaml", text), TemplateFile("u.yaml", "{{ .Values.a }}")], VALUES)

    assert [ref.name for ref in reading.references if ref.file == "u.yaml"] == ["a"]
