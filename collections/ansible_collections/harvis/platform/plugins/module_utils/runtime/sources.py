"""Which of containerd's files decides: the main one and those that it imports, in the order of loading."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.runtime import containerd_text
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toml_text import lookup, parse

# First lines or places of files that another program writes anew at each of its starts.
GENERATED = {
    "/rancher/k3s/agent/etc/containerd/": "k3s",
    "/rancher/rke2/agent/etc/containerd/": "rke2",
    "/snap/microk8s/": "microk8s",
}


@dataclass(frozen=True)
class Source:
    """One file: its text, what that says, and the format version that holds in it."""

    path: Path
    text: str
    data: dict[str, t.Any]
    version: int


def read_text(path: Path) -> str:
    """The file's text; empty where there is none."""
    try:
        return path.read_bytes().decode()  # as it is: read_text() would translate line ends
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as exc:
        raise fail("RUN-CONFIG", str(path), "cannot be read", evidence=str(exc)) from exc


def load_sources(main: Path) -> list[Source]:
    """The main file and its imports (globs and imports of imports included), each once, in the order of loading."""
    sources: list[Source] = []
    pending = [main]
    seen: set[Path] = set()
    while pending:
        path = pending.pop(0)
        if path in seen:
            continue
        seen.add(path)
        text = read_text(path)
        data = parse(text, str(path))
        inherited = sources[0].version if sources else (1 if data else containerd_text.NEW_FILE_VERSION)
        sources.append(Source(path, text, data, data.get("version", inherited)))
        pending += [found for pattern in data.get("imports") or [] for found in _matches(path, pattern)]
    return sources


def deciding(sources: t.Sequence[Source]) -> Source:
    """The file to edit: the last that has the CRI plugin's section, else the main one.

    containerd 1.x does not merge the section of two files: the later file's replaces the earlier one's, so that a new
    drop-in file with nothing but a handler would throw the host's own settings away.
    """
    with_section = [s for s in sources if lookup(s.data, containerd_text.SECTIONS.get(s.version, ())) and s.data]
    return with_section[-1] if with_section else sources[0]


def refuse_generated(path: Path) -> None:
    """Raises HarvisError (RUN-CONFIG) for a file whose edits would be gone after the next start of its owner."""
    owner = next((name for place, name in GENERATED.items() if place in str(path)), "")
    if owner and path.suffix != ".tmpl" and "template" not in path.name:
        raise fail(
            "RUN-CONFIG",
            str(path),
            f"is written by {owner} at each of its starts: an edit would be lost",
            fix=f"{owner} finds nvidia-container-runtime in its PATH by itself: install the toolkit and restart "
            f"{owner}; or edit the template beside the file.",
        )


def _matches(parent: Path, pattern: str) -> list[Path]:
    absolute = Path(pattern) if Path(pattern).is_absolute() else parent.parent / pattern
    if "*" not in pattern:
        return [absolute]
    return sorted(Path(absolute.anchor).glob(str(absolute.relative_to(absolute.anchor))))
