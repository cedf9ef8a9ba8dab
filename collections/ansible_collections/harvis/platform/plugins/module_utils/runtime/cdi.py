"""CDI specifications: which devices containers can be given by name, as nvidia-ctk describes them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner
from ansible_collections.harvis.platform.plugins.module_utils.runtime.sources import read_text
from ansible_collections.harvis.platform.plugins.module_utils.text_file import write_atomically

FOLDERS = (Path("etc/cdi"), Path("var/run/cdi"))
KIND = "nvidia.com/gpu"


@dataclass(frozen=True)
class CdiSpec:
    """One specification file and the devices it names."""

    path: Path
    kind: str
    devices: tuple[str, ...]


def list_cdi(root: Path = Path("/")) -> list[CdiSpec]:
    """Every specification in the folders that runtimes read; a file that cannot be read is none."""
    files = [
        p for folder in FOLDERS for p in sorted((root / folder).glob("*")) if p.suffix in (".yaml", ".yml", ".json")
    ]
    return [spec for spec in map(_read, files) if spec]


def ensure_cdi(path: Path, runner: Runner, *, ctk: str = "nvidia-ctk", dry: bool = False) -> bool:
    """Have the specification of this host's GPUs at ``path``; whether it differed.

    It names the driver's files by version, so that one made before an upgrade gives containers files that are gone.
    """
    try:
        text = runner.run([ctk, "--quiet", "cdi", "generate"], timeout=60).stdout
    except ProcessError as exc:
        said = exc.findings[0]
        fix = "See that the driver is loaded (gpu_info names what is missing), then run this again."
        raise fail(
            "RUN-TOOLKIT", ctk, "cannot describe the GPUs", evidence=said.evidence or said.cause, fix=fix
        ) from exc
    if text == read_text(path):
        return False
    if not dry:
        write_atomically(path, text)
    return True


def remove_cdi(path: Path, *, dry: bool = False) -> bool:
    """Have no specification at ``path``; whether there was one. A file of another kind is left alone."""
    found = _read(path) if path.exists() else None
    if found is None or found.kind != KIND:
        return False
    if not dry:
        path.unlink()
    return True


def _read(path: Path) -> CdiSpec | None:
    import yaml

    try:
        # JSON is YAML as well.
        data: t.Any = yaml.safe_load(path.read_text())
        return CdiSpec(path, data["kind"], tuple(str(d["name"]) for d in data.get("devices") or []))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return None
