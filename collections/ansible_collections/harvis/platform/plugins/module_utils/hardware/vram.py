"""Memory that the chosen models need on the GPU, against what is there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.hardware.amounts import GIB, MIB, gib

# Weights of Ollama's library in GB (10^9 bytes), default quantisation, as Ollama's README lists them.
LIBRARY_GB = {
    "codellama": 3.8,
    "deepseek-r1": 4.7,
    "deepseek-r1:671b": 404,
    "gemma:2b": 1.4,
    "gemma:7b": 4.8,
    "gemma2:2b": 1.6,
    "gemma2": 5.5,
    "gemma2:9b": 5.5,
    "gemma2:27b": 16,
    "gemma3": 3.3,
    "gemma3:1b": 0.815,
    "gemma3:4b": 3.3,
    "gemma3:12b": 8.1,
    "gemma3:27b": 17,
    "llama2": 3.8,
    "llama2:13b": 7.3,
    "llama2:70b": 39,
    "llama2-uncensored": 3.8,
    "llama3": 4.7,
    "llama3:8b": 4.7,
    "llama3:70b": 40,
    "llama3.1": 4.7,
    "llama3.1:8b": 4.7,
    "llama3.1:70b": 40,
    "llama3.1:405b": 231,
    "llama3.2": 2.0,
    "llama3.2:1b": 1.3,
    "llama3.2:3b": 2.0,
    "llama3.2-vision": 7.9,
    "llama3.2-vision:90b": 55,
    "llama3.3": 43,
    "llama3.3:70b": 43,
    "llama4:scout": 67,
    "llama4:maverick": 245,
    "llava": 4.5,
    "mistral": 4.1,
    "mistral:7b": 4.1,
    "moondream": 0.829,
    "neural-chat": 4.1,
    "phi3": 2.3,
    "phi3:medium": 7.9,
    "phi4": 9.1,
    "phi4-mini": 2.5,
    "qwq": 20,
    "solar": 6.1,
    "starling-lm": 4.1,
}
# Beside its weights a model keeps the attention cache of a few thousand tokens and work space, about a fifth of them,
# and every process that computes on a GPU its own CUDA context.
BESIDE_WEIGHTS = 1.2
CONTEXT = 512 * MIB


@dataclass(frozen=True)
class Model:
    """``needed`` bytes of GPU memory (None: unknown), and in words where that number comes from."""

    name: str
    needed: int | None
    source: str

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Model:
        """A number beats a file, and a file the table. Raises HarvisError (PLB-INPUT) for a file that is not there."""
        name = params["name"]
        if params.get("vram_gib") is not None:
            return cls(name, int(params["vram_gib"] * GIB), "given")
        if params.get("gguf"):
            weights = _size(Path(params["gguf"]))
            return cls(name, _estimate(weights), f"estimated from {gib(weights)} of weights in {params['gguf']}")
        listed = LIBRARY_GB.get(name.removesuffix(":latest"))
        if listed is None:
            return cls(name, None, "unknown")
        return cls(name, _estimate(int(listed * 10**9)), f"estimated from {listed:g} GB of weights")

    def to_result(self) -> dict[str, t.Any]:
        return {"name": self.name, "bytes": self.needed, "source": self.source}


@dataclass(frozen=True)
class Vram:
    """``needed`` by all models whose size is known, ``present`` on the cards that are given (0: unknown), in bytes."""

    models: tuple[Model, ...]
    needed: int
    present: int

    def to_result(self) -> dict[str, t.Any]:
        return {
            "needed_bytes": self.needed,
            "present_bytes": self.present,
            "models": [model.to_result() for model in self.models],
        }


def compare(models: t.Sequence[Model], *, cards: int, card_memory: int) -> tuple[Vram, list[str]]:
    """All models at once on ``cards`` physical GPUs, and what could not be compared.

    Raises HarvisError (GPU-VRAM) when they do not fit.
    """
    vram = Vram(tuple(models), sum(model.needed or 0 for model in models), cards * card_memory)
    not_checked = [
        f"GPU memory for {m.name} is unknown: give its vram_gib or a GGUF file" for m in models if not m.needed
    ]
    if models and not card_memory:
        return vram, [*not_checked, "GPU memory of the host is unknown: give gpu_memory_gib"]
    if vram.needed > vram.present:
        each = "; ".join(f"{m.name}: {gib(m.needed)} ({m.source})" for m in models if m.needed)
        raise fail(
            "GPU-VRAM",
            ", ".join(model.name for model in models),
            f"needs {gib(vram.needed)} of GPU memory; {cards} GPU with {gib(card_memory)} has {gib(vram.present)}",
            evidence=each,
            fix="Choose smaller models or a stronger quantisation, or give more GPUs; vram_gib takes a measured need.",
        )
    return vram, not_checked


def _estimate(weights: int) -> int:
    return int(weights * BESIDE_WEIGHTS) + CONTEXT


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as exc:
        raise fail("PLB-INPUT", str(path), f"the model cannot be read: {exc.strerror}") from exc
