"""Recorded hosts, and NVML as it would answer on them."""

from __future__ import annotations

import re
import types
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True)
class RecordedHost:
    """A tree of files, and NVIDIA's library."""

    root: Path
    nvml: FakeNvml


class NVMLError(Exception):
    """As the binding raises it."""


class FakeNvml:
    """The functions of ``pynvml`` that we call, over recorded answers; without cards, no driver is loaded."""

    NVMLError = NVMLError

    def __init__(self, recorded: dict[str, t.Any], failing: str = "") -> None:
        self.recorded, self.failing, self.open = recorded, failing, 0

    def nvmlInit(self) -> None:
        self._fail_at("nvmlInit")
        if not self.recorded:
            raise NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.recorded["cards"])

    def nvmlDeviceGetHandleByIndex(self, index: int) -> dict[str, t.Any]:
        self._fail_at("nvmlDeviceGetHandleByIndex")
        return dict(self.recorded["cards"][index])

    def nvmlDeviceGetPciInfo(self, card: dict[str, t.Any]) -> types.SimpleNamespace:
        return types.SimpleNamespace(busId=card["bus"])

    def nvmlDeviceGetName(self, card: dict[str, t.Any]) -> bytes:
        return str(card["name"]).encode()

    def nvmlDeviceGetUUID(self, card: dict[str, t.Any]) -> str:
        return str(card["uuid"])

    def nvmlDeviceGetMemoryInfo(self, card: dict[str, t.Any]) -> types.SimpleNamespace:
        return types.SimpleNamespace(total=card["mib"] * 1024**2)

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:
        return int(self.recorded["cuda"])

    def nvmlSystemGetDriverVersion(self) -> str:
        return str(self.recorded["driver"])

    def _fail_at(self, name: str) -> None:
        if self.failing == name:
            raise NVMLError("GPU is lost")


@pytest.fixture
def recorded(tmp_path: Path) -> t.Callable[[str], RecordedHost]:
    """Lays a recorded host out below a folder. ``{0..31}`` in a path stands for as many files."""

    def lay_out(name: str) -> RecordedHost:
        host = yaml.safe_load((FIXTURES / f"{name}.yml").read_text())
        root = tmp_path / name
        for pattern, text in host["files"].items():
            for path in _expanded(pattern):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
        return RecordedHost(root, FakeNvml(host.get("nvml", {})))

    return lay_out


def _expanded(pattern: str) -> list[str]:
    found = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if not found:
        return [pattern]
    return [pattern.replace(found[0], str(number)) for number in range(int(found[1]), int(found[2]) + 1)]
