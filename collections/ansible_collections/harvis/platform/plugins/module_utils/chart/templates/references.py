"""``read_templates``: every read of ``.Values`` in the templates of a chart and its subcharts."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.data import ANY
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.known import KnownValues
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.parser import parse
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.reader import Read, Reader, TooMuch
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.syntax import (
    Block,
    Body,
    Call,
    Expression,
    Method,
    Output,
    Template,
    TemplateSyntaxError,
    TemplateTree,
)


@dataclass(frozen=True)
class TemplateFile:
    """A template's text. ``file`` is how findings name it, ``scope`` where its chart's values lie in the root's."""

    file: str
    text: str
    scope: ValuePath = ()


@dataclass(frozen=True)
class FunctionCall:
    """Where a template calls a function."""

    function: str
    file: str
    line: int


@dataclass(frozen=True)
class TemplateReading:
    """``not_checked`` names the templates that could not be read, a sentence each."""

    references: tuple[Reference, ...]
    trees: tuple[TemplateTree, ...] = ()
    not_checked: tuple[str, ...] = ()


def read_templates(files: t.Iterable[TemplateFile], values: t.Mapping[str, t.Any]) -> TemplateReading:
    """Never fails: a template that can't be parsed is not checked, and said to be.

    ``values`` are the root chart's, merged. Files of later entries define over those of earlier ones, as with Helm:
    give subcharts first.
    """
    trees: list[tuple[TemplateFile, TemplateTree]] = []
    not_checked: list[str] = []
    for file in files:
        try:
            trees.append((file, parse(file.text, file.file)))
        except (TemplateSyntaxError, RecursionError) as exc:
            line = getattr(exc, "line", 1)
            not_checked.append(f"{file.file}:{line}: the template cannot be parsed: {exc}")
    definitions = {found.name: found for _, tree in trees for found in tree.definitions}
    reader = Reader(KnownValues(values), definitions)
    for file, tree in trees:
        try:
            reader.start(file.file, tree.body, file.scope)
        except (TooMuch, RecursionError):
            not_checked.append(f"{file.file}: its templates include each other too often to be read")
    references = dict.fromkeys(ref for read in reader.reads for ref in _references(read, reader.values))
    ordered = sorted(references, key=lambda ref: (ref.file, ref.line, ref.name, ref.use))
    return TemplateReading(tuple(ordered), tuple(tree for _, tree in trees), tuple(not_checked))


def _references(read: Read, values: KnownValues) -> t.Iterator[Reference]:
    data, origin = read.data, read.data.origin
    if not data.path:
        return  # the whole of .Values, handed on
    expanded = values.expand(data.path)
    exact = data.exact and bool(expanded)
    for path in expanded or [data.path[: data.path.index(ANY)]]:
        if path:
            yield Reference(
                path=_global(path, values),
                file=origin.file,
                line=origin.line,
                expression=origin.expression,
                guarded=read.guarded,
                whole=data.whole or read.use in ("range", "pass") or _is_container(values.at(path)),
                exact=exact,
                each=ANY in data.path,
                reached=read.reached,
                use=read.use,
                waits_for=_waits_for(read, path),
                start=(data.start.file, data.start.line) if data.start else (origin.file, origin.line),
            )


def _global(path: ValuePath, values: KnownValues) -> ValuePath:
    """A subchart's ``.Values.global`` is the root's, unless only the subchart's own values have it."""
    at = path.index("global") if "global" in path else 0
    above = path[at:]
    return above if at and values.has(above) else path


def _waits_for(read: Read, path: ValuePath) -> tuple[ValuePath, ...]:
    """A block that holds the path says nothing about when it is read: it is there as long as the path is."""
    found = (one for one in read.waits_for if ANY not in one and path[: len(one)] != one)
    return tuple(sorted(found, key=lambda one: tuple(map(str, one))))


def _is_container(value: t.Any) -> bool:
    return isinstance(value, dict | list)


def function_calls(trees: t.Iterable[TemplateTree], names: frozenset[str]) -> list[FunctionCall]:
    """Where the templates call one of ``names``, in order."""
    found: list[FunctionCall] = []
    for tree in trees:
        for body in (tree.body, *(definition.body for definition in tree.definitions)):
            found += [FunctionCall(c.function, tree.file, c.line) for c in _calls(body) if c.function in names]
    return found


def _calls(body: Body) -> t.Iterator[Call]:
    for node in body:
        if isinstance(node, Output | Block):
            yield from _called(node.pipeline.expression)
        if isinstance(node, Template) and node.data:
            yield from _called(node.data.expression)
        if isinstance(node, Block):
            yield from _calls(node.body)
            yield from _calls(node.otherwise)


def _called(expression: Expression) -> t.Iterator[Call]:
    if isinstance(expression, Call):
        yield expression
    if isinstance(expression, Call | Method):
        for argument in expression.arguments:
            yield from _called(argument)
    elif hasattr(expression, "base"):
        yield from _called(expression.base)
