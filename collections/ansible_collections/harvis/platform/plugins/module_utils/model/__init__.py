"""Which Ollama model a platform runs: the one that was asked for, or random test weights where no model can be had."""

from __future__ import annotations

import json
import typing as t
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

TEST_MODEL = "harvis-random-test"
# Where Ollama itself pulls from (ollama/ollama, types/model/name.go).
REGISTRY = "https://registry.ollama.ai/v2"
PATIENCE_SECONDS = 4.0


@dataclass(frozen=True)
class ModelChoice:
    """``name`` as Ollama knows it; ``test_weights`` is the GGUF inside our own Ollama image, or empty."""

    name: str
    test_weights: str
    reason: str

    @property
    def is_test(self) -> bool:
        return bool(self.test_weights)


def choose_model(wanted: str, *, preferred: str, test_weights: str, record: Path) -> ModelChoice:
    """``wanted`` as it is, or for ``auto`` the ``preferred`` model if its registry answers.

    A choice stays as recorded: a platform with a real model must not fall to test weights because the network is
    down today.
    """
    if wanted != "auto":
        return ModelChoice(wanted, test_weights if wanted == TEST_MODEL else "", "asked for by name")
    recorded = _read(record)
    if recorded and recorded.name in (preferred, TEST_MODEL):
        return recorded
    if registry_has(preferred):
        return ModelChoice(preferred, "", "the model registry offers it")
    return ModelChoice(TEST_MODEL, test_weights, "no model registry answers: random test weights stand in")


def registry_has(model: str, registry: str = REGISTRY) -> bool:
    """Whether the registry answers for the manifest of ``model`` (``name`` or ``name:tag``)."""
    name, _, tag = model.partition(":")
    path = name if "/" in name else f"library/{name}"
    request = urllib.request.Request(f"{registry}/{path}/manifests/{tag or 'latest'}", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def save(choice: ModelChoice, record: Path, *, dry: bool = False) -> bool:
    """Record the choice; True if it differs (with ``dry``, nothing is written) from what was recorded."""
    differs = _read(record) != choice
    if differs and not dry:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(asdict(choice), indent=1) + "\n")
    return differs


def _read(record: Path) -> ModelChoice | None:
    try:
        data: dict[str, t.Any] = json.loads(record.read_text())
        return ModelChoice(**data)
    except (OSError, ValueError, TypeError):
        return None
