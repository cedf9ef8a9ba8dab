"""The same questions as in ``kafka``, asked of Python sources: settings that the code itself fixes."""

from __future__ import annotations

import ast
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.kafka_settings import (
    is_offset_reset,
    is_poll_interval,
    offset_finding,
    poll_finding,
    processing_limit,
    seconds,
    skips_messages,
)

LARGEST_FILE = 1024 * 1024
_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", "tests", "test"}


@dataclass(frozen=True)
class _Named:
    """A constant under a name: a key of a dict, a keyword, a variable."""

    name: str
    value: str
    line: int


def consumers_in_sources(subject: AuditSubject) -> t.Iterator[Finding]:
    """Findings in the Python files below ``sources``; what cannot be parsed is said where sources are read as such."""
    sources = subject.sources
    for path in sorted(sources.rglob("*.py")) if sources else ():
        inside = path.relative_to(sources or path)
        if _SKIPPED.isdisjoint(inside.parts) and path.is_file() and not path.is_symlink():
            yield from _in_file(path, str(inside))


def _in_file(path: Path, shown: str) -> t.Iterator[Finding]:
    if path.stat().st_size > LARGEST_FILE:
        return
    text = path.read_bytes()
    # Parsing every file of a large repository would take seconds; few of them speak of Kafka.
    if b"offset" not in text and b"poll" not in text:
        return
    try:
        named = list(_named(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):
        return
    for item in named:
        if is_offset_reset(item.name) and skips_messages(item.value):
            yield offset_finding(Place(shown, item.line), item.name, item.value)
    limits = [(n.name, limit) for n in named if (limit := processing_limit(n.name, n.value)) is not None]
    for item in named:
        interval = seconds(item.name, item.value) if is_poll_interval(item.name) else None
        longer = [(name, limit) for name, limit in limits if interval is not None and limit >= interval]
        if longer and interval is not None:
            yield poll_finding(Place(shown, item.line), item.name, interval, *longer[0])


def _named(tree: ast.Module) -> t.Iterator[_Named]:
    for node, name, value in _pairs(tree):
        constant = _constant(value)
        if isinstance(name, str) and constant is not None:
            yield _Named(name, constant, node.lineno)


def _pairs(tree: ast.Module) -> t.Iterator[tuple[ast.expr, t.Any, ast.expr]]:
    """(node whose line counts, name, value)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield key, key.value, value
        elif isinstance(node, ast.Call):
            yield from ((keyword.value, keyword.arg, keyword.value) for keyword in node.keywords)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                key = target.slice if isinstance(target, ast.Subscript) else None
                name = (
                    target.id if isinstance(target, ast.Name) else key.value if isinstance(key, ast.Constant) else None
                )
                yield target, name, node.value


def _constant(node: ast.expr) -> str | None:
    """Text or a number, also as a product of numbers (``10 * 60 * 1000``)."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        return None if isinstance(node.value, bool) else str(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _constant(node.left), _constant(node.right)
        try:
            return None if left is None or right is None else f"{float(left) * float(right):f}"
        except ValueError:
            return None
    return None


DETECTORS: tuple[Detector, ...] = (consumers_in_sources,)
