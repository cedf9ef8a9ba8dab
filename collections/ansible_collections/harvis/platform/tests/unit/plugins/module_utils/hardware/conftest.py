"""Recorded hosts, and NVML as it would answer on them: the real binding over a library built from a description."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import yaml

FIXTURES = Path(__file__).parent / "fixtures"
NVML = Path(__file__).resolve().parents[9] / "tools/nvml"

Description = dict[str, t.Any]


@dataclass(frozen=True)
class SimulatedNvml:
    """Builds each library once, below ``folder``."""

    folder: Path

    def library(self, description: Description) -> Path:
        compiler = shutil.which("cc") or pytest.skip("no C compiler, so that NVML cannot be simulated")
        text = json.dumps(description, sort_keys=True)
        path = self.folder / hashlib.sha256(text.encode()).hexdigest()[:16] / "libnvidia-ml.so.1"
        if not path.exists():
            path.parent.mkdir()
            described = path.with_name("description.json")
            described.write_text(text)
            argv = [sys.executable, str(NVML / "build"), str(described), "-o", str(path), "--cc", str(compiler)]
            subprocess.run(argv, check=True, timeout=60)
        return path

    def binding(self, description: Description) -> t.Any:
        """A ``pynvml`` of its own, because the module keeps the first library it loads; the library is a copy, because
        it counts its users.
        """
        spec = importlib.util.find_spec("pynvml") or pytest.skip("nvidia-ml-py is not installed")
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as patch:
            # It looks itself up there while it is loaded.
            patch.setitem(sys.modules, "pynvml", module)
            spec.loader.exec_module(module)
        copy = tempfile.mkdtemp(dir=self.folder)
        module.nvmlLib = ctypes.CDLL(shutil.copy(self.library(description), copy))
        return module


@dataclass
class RecordedHost:
    """A tree of files, and NVIDIA's library."""

    root: Path
    description: Description
    simulated: SimulatedNvml

    @cached_property
    def nvml(self) -> t.Any:
        return self.simulated.binding(self.description)

    def with_nvml(self, **changes: t.Any) -> t.Any:
        """NVML where something of the host's description is different."""
        return self.simulated.binding({**self.description, **changes})

    def write(self, path: str, content: str | bytes = "") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content if isinstance(content, bytes) else content.encode())

    def link(self, path: str, target: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).symlink_to(target)


@pytest.fixture(scope="session")
def simulated_nvml(tmp_path_factory: pytest.TempPathFactory) -> SimulatedNvml:
    return SimulatedNvml(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def described() -> t.Callable[[str], Description]:
    """A description that tools/nvml keeps."""
    return lambda name: json.loads((NVML / "descriptions" / f"{name}.json").read_text())


@pytest.fixture
def recorded(tmp_path: Path, simulated_nvml: SimulatedNvml) -> t.Callable[[str], RecordedHost]:
    """Lays a recorded host out below a folder. ``{0..31}`` in a path stands for as many files."""

    def lay_out(name: str) -> RecordedHost:
        host = yaml.safe_load((FIXTURES / f"{name}.yml").read_text())
        root = tmp_path / name
        for pattern, text in host["files"].items():
            for path in _expanded(pattern):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
        without_driver = {"driver": "", "cuda": "0.0", "init": "driver-not-loaded"}
        return RecordedHost(root, host.get("nvml", without_driver), simulated_nvml)

    return lay_out


def _expanded(pattern: str) -> list[str]:
    found = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if not found:
        return [pattern]
    return [pattern.replace(found[0], str(number)) for number in range(int(found[1]), int(found[2]) + 1)]
