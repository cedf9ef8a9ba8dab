"""Templates read as Helm would run them, without running them: which values each expression reads."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates import functions
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.data import (
    NOTHING,
    OPAQUE,
    Choice,
    Context,
    Data,
    FromValues,
    Made,
    Origin,
    changed,
    choice,
    key,
    paths,
    tested,
)
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.known import KnownValues
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.parser import parse
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.syntax import (
    Access,
    Block,
    Body,
    Call,
    Definition,
    Dot,
    Expression,
    Literal,
    Method,
    Output,
    Pipeline,
    Template,
    TemplateSyntaxError,
    Variable,
)

DEEPEST = 40
MOST_STEPS = 400_000
MOST_TEXTS = 200


class TooMuch(Exception):
    """The templates include each other so often that reading them all would take too long."""


@dataclass(frozen=True)
class Read:
    """One read of values, before its open parts are filled in."""

    data: FromValues
    use: str
    guarded: bool
    reached: bool | None
    waits_for: frozenset[ValuePath]


@dataclass(frozen=True)
class Condition:
    """What a condition around a read looks at, and whether the audited values meet it."""

    paths: frozenset[ValuePath]
    truth: bool | None


@dataclass(frozen=True)
class State:
    """Where the reader stands: the data of the template, and under which conditions."""

    file: str
    root: Data
    dot: Data
    variables: dict[str, Data]
    conditions: tuple[Condition, ...] = ()
    depth: int = 0

    @property
    def reached(self) -> bool | None:
        truths = {condition.truth for condition in self.conditions}
        return False if False in truths else None if None in truths else True

    def origin(self, expression: Expression) -> Origin:
        return Origin(self.file, expression.line, written(expression))


@dataclass
class Reader:
    """Collects the reads of all templates of a chart; named templates are shared by charts and subcharts."""

    values: KnownValues
    definitions: dict[str, Definition]
    reads: dict[Read, None] = field(default_factory=dict)
    _seen: set[t.Hashable] = field(default_factory=set)
    _steps: int = 0

    def start(self, file: str, body: Body, scope: ValuePath) -> None:
        """What Helm does with a file."""
        context = Context(scope)
        self._body(body, State(file, context, context, {}))

    def _body(self, body: Body, state: State) -> None:
        for node in body:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise TooMuch
            if isinstance(node, Output):
                self._output(node, state)
            elif isinstance(node, Block):
                self._block(node, state)
            elif isinstance(node, Template):
                data = self._pipeline(node.data, state) if node.data else NOTHING
                self._include(node.name, data, state)

    def _output(self, node: Output, state: State) -> None:
        data = self._pipeline(node.pipeline, state)
        if not node.pipeline.variables:
            self._record(data, "print", state)

    def _pipeline(self, pipeline: Pipeline, state: State) -> Data:
        data = self._evaluate(pipeline.expression, state)
        for name in pipeline.variables:
            before = state.variables.get(name)
            # `=` may stand in a branch that is not taken: the old value stays possible.
            state.variables[name] = data if pipeline.declares or before is None else choice([before, data])
        return data

    def _block(self, node: Block, state: State) -> None:
        scope = replace(state, variables=dict(state.variables))
        data = self._evaluate(node.pipeline.expression, scope)
        truth = self.values.truth(data)
        looked_at = frozenset(found.path for found in paths(data))
        # In `and .a .b` each of the two waits for the other.
        waits_for = looked_at if truth is False else frozenset()
        seen = changed(data, reached=None) if truth is None else data
        self._record(seen, "range" if node.kind == "range" else "look", state, waits_for)
        if node.kind != "range":
            self._record(Choice(tuple(tested(seen))), "test", state, waits_for)
        inside = replace(scope, conditions=_added(state.conditions, Condition(looked_at, truth)))
        inside = self._bind(node, data, inside)
        self._body(node.body, inside)
        contrary = Condition(looked_at, None if truth is None else not truth)
        conditions = _added(state.conditions, contrary)
        otherwise = replace(state, variables=dict(state.variables), conditions=conditions)
        self._body(node.otherwise, otherwise)
        self._merge_back(state, inside, otherwise)

    def _bind(self, node: Block, data: Data, inside: State) -> State:
        names = node.pipeline.variables
        if node.kind == "range":
            item = functions.element(data)
            for name, value in zip(reversed(names), (item, OPAQUE), strict=False):
                inside.variables[name] = value
            return replace(inside, dot=item)
        for name in names:
            inside.variables[name] = data
        return replace(inside, dot=data) if node.kind == "with" else inside

    @staticmethod
    def _merge_back(state: State, *branches: State) -> None:
        """A variable that a branch set to something else can be either afterwards."""
        for name, before in state.variables.items():
            after = [branch.variables[name] for branch in branches]
            if any(value is not before for value in after):
                state.variables[name] = choice([before, *after])

    def _evaluate(self, expression: Expression, state: State) -> Data:
        if isinstance(expression, Literal):
            return Made(known=expression.value)
        if isinstance(expression, Dot):
            return state.dot
        if isinstance(expression, Variable):
            return state.root if expression.name == "$" else state.variables.get(expression.name, OPAQUE)
        if isinstance(expression, Access):
            return self._access(expression, state)
        if isinstance(expression, Method):
            given = [self._evaluate(one, state) for one in (expression.target, *expression.arguments)]
            return Made(tuple(given))
        return self._call(expression, state)

    def _access(self, expression: Access, state: State) -> Data:
        data = self._evaluate(expression.base, state)
        origin = state.origin(expression)
        for at, name in enumerate(expression.names):
            if isinstance(data, Context) and name == "Subcharts" and at + 1 < len(expression.names):
                data = Context((*data.scope, expression.names[at + 1]))
                return self._fields(data, expression.names[at + 2 :], origin)
            data = functions.field(data, name, origin)
        return data

    @staticmethod
    def _fields(data: Data, names: tuple[str, ...], origin: Origin) -> Data:
        for name in names:
            data = functions.field(data, name, origin)
        return data

    def _call(self, expression: Call, state: State) -> Data:
        given = [self._evaluate(one, state) for one in expression.arguments]
        if expression.function == "include" and given:
            name = self.values.of(given[0])
            if isinstance(name, str):
                self._include(name, given[1] if len(given) > 1 else NOTHING, state)
                return Made()
            self._record(Made(tuple(given[1:])), "pass", state)
            return Made()
        if expression.function == "tpl" and given:
            self._texts(given, state)
        if functions.is_compared(expression.function):
            self._record(Made(tuple(one for one in given if isinstance(one, FromValues))), "compare", state)
        if expression.function == "default":
            self._replaced(expression, given, state)
        return functions.apply(expression.function, given, state.origin(expression), self.values.of)

    def _replaced(self, expression: Call, given: list[Data], state: State) -> None:
        """``default true .Values.x``: false can never get through."""
        instead = self.values.of(given[0]) if given else None
        if len(given) == 2 and isinstance(given[1], FromValues) and isinstance(instead, bool | int | float) and instead:
            use = "default true" if instead is True else "default number"
            self._record(replace(given[1], origin=state.origin(expression)), use, state)

    def _include(self, name: str, data: Data, state: State) -> None:
        found = self.definitions.get(name)
        if found is None:
            # A file by its path is read on its own; a missing library's template takes what it is given.
            if not name.endswith((".yaml", ".yml", ".tpl", ".txt", ".json")):
                self._record(data, "pass", state)
            return
        visit = (name, key(data), state.conditions)
        if visit in self._seen or state.depth > DEEPEST:
            return
        self._seen.add(visit)
        inner = State(found.file, data, data, {}, state.conditions, state.depth + 1)
        self._body(found.body, inner)

    def _texts(self, given: list[Data], state: State) -> None:
        """``tpl``: values that are templates themselves."""
        context = given[1] if len(given) > 1 else state.root
        for source in paths(given[0]):
            for path in self.values.expand(source.path):
                for text in _strings(self.values.at(path)):
                    self._text(text, source.origin, context, state)

    def _text(self, text: str, origin: Origin, context: Data, state: State) -> None:
        visit = (text, key(context), state.conditions)
        if "{{" not in text or visit in self._seen or state.depth > DEEPEST:
            return
        self._seen.add(visit)
        try:
            tree = parse(text, origin.file)
        except TemplateSyntaxError:
            return  # rendering says so, with the line
        inner = State(origin.file, context, context, {}, state.conditions, state.depth + 1)
        before = dict(self.reads)
        self._body(tree.body, inner)
        for read in [read for read in self.reads if read not in before]:
            # Lines inside a value are no lines of the template.
            del self.reads[read]
            here = replace(read.data, origin=Origin(origin.file, origin.line, read.data.origin.expression))
            self.reads[replace(read, data=here)] = None

    def _record(self, data: Data, use: str, state: State, beside: frozenset[ValuePath] = frozenset()) -> None:
        """``beside`` is what stands in the same condition."""
        reached = state.reached
        for found in paths(data):
            looked_at = any(found.path in condition.paths for condition in state.conditions)
            guarded = use not in ("print", "pass") or found.guarded or looked_at
            unmet = (condition.paths for condition in state.conditions if condition.truth is False)
            waits_for = beside.union(*unmet) - {found.path} | found.waits_for
            mine = found.reached if reached is True else reached
            self.reads[Read(found, use, guarded, mine, waits_for)] = None


def _added(conditions: tuple[Condition, ...], one: Condition) -> tuple[Condition, ...]:
    return conditions if one in conditions else (*conditions, one)


def _strings(value: t.Any) -> list[str]:
    found: list[str] = []
    waiting = [value]
    while waiting and len(found) < MOST_TEXTS:
        one = waiting.pop(0)
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, dict | list):
            waiting += one.values() if isinstance(one, dict) else one
    return found


def written(expression: Expression) -> str:
    """The expression as it stands in the template, near enough for a person to recognise."""
    if isinstance(expression, Access):
        base = "" if isinstance(expression.base, Dot) else written(expression.base)
        return ".".join((base, *expression.names))
    if isinstance(expression, Literal):
        return f'"{expression.value}"' if isinstance(expression.value, str) else str(expression.value)
    if isinstance(expression, Variable):
        return expression.name
    if isinstance(expression, Call):
        return "(" + " ".join((expression.function, *map(written, expression.arguments))) + ")"
    return "." if isinstance(expression, Dot) else "(…)"
