"""``Reference``: a place in a template that reads values."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath, dotted


@dataclass(frozen=True)
class Reference:
    """One read of ``.Values``.

    ``path`` begins at the root chart's values (a subchart's template reads below its own name). ``file`` and ``line``
    (from 1) are those of the expression itself, also inside a named template. ``guarded`` reads cannot print nothing:
    they stand under ``if``/``with``/``range`` of the same path, or have ``default``, ``coalesce``, ``required``,
    ``hasKey`` … ``whole`` reads take everything below the path (``toYaml``, ``range``, ``with`` that prints ``.``).
    ``exact`` is false where a part of the path is computed, and ``path`` is what is known of it.

    ``each``: reached by ``range`` or a computed key, and ``path`` is one of those that the values have. ``reached`` is
    false under a condition that the audited values do not meet, and None where the cluster or a computation decides;
    ``waits_for`` are the other paths that those conditions look at. ``start`` is the file and line where ``.Values`` is
    written, when a named template is handed a part of the values and reads on.
    ``use`` is print; test (a condition that takes it for true or false); look (a condition that looks at it otherwise);
    range; compare (with a number); pass (to a template that is not there); ``default true`` and ``default number``.
    """

    path: ValuePath
    file: str
    line: int
    expression: str
    guarded: bool = False
    whole: bool = False
    exact: bool = True
    each: bool = False
    reached: bool | None = True
    use: str = "print"
    waits_for: tuple[ValuePath, ...] = ()
    start: tuple[str, int] = ("", 0)

    @property
    def name(self) -> str:
        return dotted(self.path)
