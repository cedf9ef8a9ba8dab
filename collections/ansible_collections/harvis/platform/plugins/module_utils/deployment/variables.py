"""Variables of an inventory that look like ours and are not: nothing would ever read them."""

from __future__ import annotations

import difflib
import functools
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

_ENDINGS = {".yml", ".yaml", ".ini", ".json", ""}
_MANY_FILES = 500


@dataclass(frozen=True)
class Names:
    """``prefixes`` are those under which every variable is ours; ``known`` are all there are."""

    prefixes: tuple[str, ...]
    known: frozenset[str]

    def unknown(self, names: t.Iterable[str]) -> list[str]:
        return sorted(name for name in names if name.startswith(self.prefixes) and name not in self.known)

    def nearest(self, name: str) -> str:
        """What was probably meant, of the same role where there is such a one; else empty."""
        prefix = max((p for p in self.prefixes if name.startswith(p)), key=len, default="")
        # The role's name is the same anyway, and would make any two alike.
        alike = {known.removeprefix(prefix): known for known in sorted(self.known) if known.startswith(prefix)}
        near = difflib.get_close_matches(name.removeprefix(prefix), alike, n=1)
        return alike[near[0]] if near else ""


@functools.cache
def collection_names(collection: Path) -> Names:
    """Read off the collection itself: defaults and options of roles, what their tasks hand over, shared variables."""
    roles = sorted(path for path in (collection / "roles").iterdir() if path.is_dir())
    files = [
        file for role in roles for folder in ("defaults", "meta", "tasks") for file in (role / folder).glob("*.yml")
    ]
    files += sorted((collection / "playbooks" / "group_vars").glob("*.yml"))
    known = {name for file in files for name in _named_in(_read(file))}
    return Names(("harvis_", *(f"{role.name}_" for role in roles)), frozenset(known | {"harvis_host"}))


def check_variables(names: Names, given: t.Iterable[str], sources: t.Sequence[Path]) -> list[Finding]:
    """A finding for each variable that is not ours; ``sources`` are files and folders that may set it."""
    return [_finding(names, name, sources) for name in names.unknown(given)]


def check_workers(workers: t.Sequence[str], chart: Path) -> list[Finding]:
    """A finding for each worker that the chart does not know."""
    known = sorted((_read(chart / "values.yaml") or {}).get("workers") or {})
    return [
        Finding(
            "PLB-INPUT",
            "worker_images_names",
            f"the chart has no worker {name!r}",
            f"{chart}/values.yaml has workers {', '.join(known)}",
            _meant(next(iter(difflib.get_close_matches(name, known, n=1)), "")),
        )
        for name in workers
        if known and name not in known
    ]


def _finding(names: Names, name: str, sources: t.Sequence[Path]) -> Finding:
    places = _places(name, sources)
    evidence = f"set in {', '.join(places)}" if places else "set with -e or in the environment"
    cause = f"no role has a variable {name!r}, so it has no effect"
    fix = f"{_meant(names.nearest(name))} A variable of your own goes into harvis_own_variables.".strip()
    return Finding("PLB-INPUT", places[0] if places else name, cause, evidence, fix)


def _meant(name: str) -> str:
    return f"Did you mean {name}?" if name else "Correct or remove it."


def _places(name: str, sources: t.Sequence[Path]) -> list[str]:
    line = re.compile(rf"^\s*[\"']?{re.escape(name)}[\"']?\s*[:=]")
    found = []
    for file in _files(sources):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        found += [f"{file}:{number}" for number, row in enumerate(text.splitlines(), 1) if line.match(row)]
    return found


def _files(sources: t.Sequence[Path]) -> list[Path]:
    found = [file for source in sources for file in ([source] if source.is_file() else sorted(source.glob("**/*")))]
    return [file for file in dict.fromkeys(found) if file.is_file() and file.suffix in _ENDINGS][:_MANY_FILES]


def _read(file: Path) -> t.Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # a SafeLoader, in C where there is one


def _named_in(document: t.Any) -> t.Iterator[str]:
    """Keys of defaults; options of an argument spec; what tasks register and set."""
    if isinstance(document, list):
        for task in document:
            yield from _handed_over(task)
    elif isinstance(document, dict) and "argument_specs" in document:
        for point in document["argument_specs"].values():
            yield from point.get("options") or ()
    elif isinstance(document, dict):
        yield from document


def _handed_over(task: dict[str, t.Any]) -> t.Iterator[str]:
    if task.get("register"):
        yield task["register"]
    yield from task.get("ansible.builtin.set_fact") or ()
    for part in ("block", "rescue", "always"):
        for inner in task.get(part) or ():
            yield from _handed_over(inner)
