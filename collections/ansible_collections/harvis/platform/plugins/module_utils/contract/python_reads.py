"""What an application reads from its environment: names, defaults, and what its own code makes of the texts."""

from __future__ import annotations

import ast
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.contract.interpreter import Interpreter, Root
from ansible_collections.harvis.platform.plugins.module_utils.contract.reach import Reach
from ansible_collections.harvis.platform.plugins.module_utils.contract.relevance import relevant_names
from ansible_collections.harvis.platform.plugins.module_utils.contract.sources import SourceTree
from ansible_collections.harvis.platform.plugins.module_utils.contract.values import Access, Check

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{1,100}")


@dataclass(frozen=True)
class Read:
    """One setting: its names in the order in which they are tried, and the place that names the first.

    ``used`` is false for a module's constant that nothing reads: it is still read at import, and does nothing then.
    ``default`` is the text that a missing variable is replaced by, where the sources say so plainly.
    """

    names: tuple[str, ...]
    file: str
    line: int
    required: bool
    used: bool
    default: str | None
    tests_empty: bool
    ignores_case: bool
    checks: tuple[Check, ...]

    @property
    def name(self) -> str:
        return self.names[0]

    def rejection(self, text: str | None) -> str:
        """Why the application's own code rejects a text (None: the variable is not there); empty when it does not."""
        return next(filter(None, (check(text) for check in self.checks)), "")


@dataclass(frozen=True)
class Reads:
    """``others`` are names that are only looked for. ``is_open``: more names than these may be read. ``not_followed``
    says what could not be understood: a file or module, and the rest of the sentence."""

    reads: tuple[Read, ...]
    others: frozenset[str]
    prefixes: tuple[str, ...]
    stored: frozenset[str]
    is_open: bool
    starts_programs: bool
    modules: tuple[str, ...]
    not_followed: tuple[tuple[str, str], ...]


NO_READS = Reads((), frozenset(), (), frozenset(), False, False, (), ())


def application_reads(tree: SourceTree, entries: t.Sequence[str], run: Interpreter | None = None) -> Reads:
    """What the program that begins at ``entries`` reads; with none, what any module of the tree reads.

    ``run`` keeps what was found out for other entries of the same tree.
    """
    run = run or Interpreter(tree)
    key = tuple(entries)
    if key not in run.answers:
        run.answers[key] = _find_reads(tree, entries, run)
    return t.cast(Reads, run.answers[key])


def _find_reads(tree: SourceTree, entries: t.Sequence[str], run: Interpreter) -> Reads:
    reach = Reach(tree)
    for name in entries or tree.all_modules():
        reach.enter(name)
    relevant = relevant_names(tree, reach.modules)
    run.relevant |= relevant
    for name in reach.modules:
        run.load(name)
    for name in reach.modules:
        if name in run.scopes:
            run.read_functions(name, relevant)
    roots = [root for root in run.roots if root.module in reach.modules]
    prefixes = [walked for root in roots for walked in root.prefixes]
    return Reads(
        reads=_united(roots, reach),
        others=frozenset(name for root in roots for name in root.probed) | _plain_names(tree, roots),
        prefixes=tuple(sorted({p for walked in prefixes for p in walked})),
        stored=frozenset(name for root in roots for name in root.stored),
        is_open=any(root.is_open for root in roots) or not all(prefixes),
        starts_programs=any(root.starts_programs for root in roots),
        modules=tuple(reach.modules),
        not_followed=_not_followed(run, roots, reach),
    )


def _plain_names(tree: SourceTree, roots: t.Sequence[Root]) -> frozenset[str]:
    """Names in the modules that could not be followed to their end: they are read, whatever becomes of them."""
    found: set[str] = set()
    for name in {root.module for root in roots if root.is_exhausted}:
        module = tree.module(name)
        nodes = ast.walk(module.tree) if module else ()
        texts = (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
        found.update(text for text in texts if _NAME.fullmatch(text))
    return frozenset(found)


def _united(roots: t.Sequence[Root], reach: Reach) -> tuple[Read, ...]:
    """One read for each place and name, however many ways lead to it."""
    found: dict[tuple[str, int, tuple[str, ...]], list[tuple[Access, bool]]] = {}
    for root in roots:
        used = not root.name or (root.module, root.name) in reach.live
        if not used and not root.is_constant:
            continue
        for access in root.accesses:
            if not access.merged:
                key = (access.file, access.line, tuple(dict.fromkeys(access.names)))
                found.setdefault(key, []).append((access, used))
    return tuple(
        _read(names, file, line, accesses) for (file, line, names), accesses in sorted(found.items(), key=_order)
    )


def _order(item: tuple[tuple[str, int, tuple[str, ...]], t.Any]) -> tuple[str, int, tuple[str, ...]]:
    return item[0]


def _read(names: tuple[str, ...], file: str, line: int, accesses: list[tuple[Access, bool]]) -> Read:
    first = accesses[0][0]
    used = [access for access, is_used in accesses if is_used]
    return Read(
        names=names,
        file=file,
        line=line,
        required=any(access.required for access, _ in accesses),
        used=bool(used),
        default=str(first.default) if isinstance(first.default, str) else None,
        tests_empty=any(access.tests_empty for access, _ in accesses),
        ignores_case=first.ignores_case,
        checks=tuple(check for access, _ in accesses for check in access.checks),
    )


def _not_followed(run: Interpreter, roots: t.Sequence[Root], reach: Reach) -> tuple[tuple[str, str], ...]:
    files = {str(module.path) for name in reach.modules if (module := run.tree.module(name))}
    computed = {place for key, place in run.unresolved.items() if key not in run.resolved and place[0] in files}
    said = [(file, f":{line}: the name of a variable is computed") for file, line in sorted(computed)]
    imports = sorted(set(reach.computed_imports))
    said += [(file, f":{line}: the name of an imported module is computed") for file, line in imports]
    tired = sorted({f"{root.module}.{root.name}".rstrip(".") for root in roots if root.is_exhausted})
    if tired:
        more = f" (and {len(tired) - 1} more)" if len(tired) > 1 else ""
        said.append((tired[0], f"{more}: takes too many steps to be followed"))
    return (*said, *run.tree.not_parsed)
