"""A container was granted a card, and its program computes on the CPU: what the backend tells of Ollama and itself."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.driver.cuda import check_cuda
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import DriverError
from ansible_collections.harvis.platform.plugins.module_utils.driver.version import DriverVersion
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.hardware.amounts import MIB
from ansible_collections.harvis.platform.plugins.module_utils.hardware.cuda import (
    build_of,
    check_architecture,
    check_builds,
)

Told = t.Mapping[str, t.Any]

_ONNX_CUDA = "CUDAExecutionProvider"
_OLLAMA_FIX = (
    "Ollama looks for cards once, at its start: restart its container, and read `inference compute` in its log. "
    "Where the card is missing there too, exec `nvidia-smi -L` in the container."
)
_PARTIAL_FIX = "End what else holds the card's memory (GPU-TENANT), or choose a smaller model, quantisation or context."


def of_ollama(told: Told, *, partial: bool = False) -> t.Iterator[Finding]:
    """``partial``: a model that does not fit the card's memory may have its rest on the CPU."""
    if told["cause"] or not told["loaded"]:
        cause = told["cause"] or "it has no model loaded, although one has just answered"
        yield Finding("PRB-FAILED", "ollama", f"where its models compute is not known: {cause}", fix=_OLLAMA_FIX)
    for model in told["loaded"]:
        if model["size_vram"] < model["size"] and not (partial and model["size_vram"]):
            yield _spilled(model)


def _spilled(model: Told) -> Finding:
    seen = f"/api/ps: size {_mib(model['size'])}, size_vram {_mib(model['size_vram'])}"
    if not model["size_vram"]:
        cause = f"Ollama has all of {model['name']} on the CPU, although its container was granted a GPU"
        return Finding("GPU-FALLBACK", f"ollama {model['name']}", cause, seen, _OLLAMA_FIX)
    cause = f"Ollama has a part of {model['name']} on the CPU: {share(model)} of it lie in GPU memory"
    return Finding("GPU-FALLBACK", f"ollama {model['name']}", cause, seen, _PARTIAL_FIX)


def share(model: Told) -> str:
    """Rounded down, so that 100 % means all of it."""
    return f"{100 * model['size_vram'] // max(model['size'], 1)} %"


def of_backend(told: Told) -> t.Iterator[Finding]:
    """The cause that lies deepest: what follows from it is not said again."""
    cuda = told["cuda"]
    if not cuda["available"]:
        yield from _without_cuda(cuda)
        return
    for device in cuda["devices"]:
        yield from check_architecture("backend", cuda["architectures"], device["capability"], ptx=_knows_ptx(cuda))
    yield from _speech(told["speech"])
    yield from _onnx(told["onnx"])


def _without_cuda(cuda: Told) -> t.Iterator[Finding]:
    """A wheel or driver that cannot serve is the cause; else torch's own words are all there is."""
    if cuda["torch"]:
        unfit = check_builds("backend", [build_of("torch", cuda["torch"])])
        if unfit:
            yield from unfit
            return
    try:
        if cuda["driver"] and cuda["cuda_build"]:
            check_cuda(DriverVersion(cuda["driver"]), cuda["cuda_build"])
    except DriverError as exc:
        yield from exc.findings
        return
    yield Finding(
        "GPU-FALLBACK",
        "backend",
        f"the backend computes on the CPU, although its container was granted a GPU: {cuda['cause']}",
        f"torch {cuda['torch'] or 'none'}, built for CUDA {cuda['cuda_build'] or 'none'}; "
        f"driver {cuda['driver'] or 'none'}",
        "Build the image for CUDA (backend_image_speech: cuda), or give its container no GPU "
        "(mergedOllamaBackend.gpuContainer: ollama).",
    )


def _knows_ptx(cuda: Told) -> bool:
    """A driver older than torch's CUDA runs its machine code and cannot compile its PTX."""
    return not (cuda["driver"] and check_cuda(DriverVersion(cuda["driver"]), cuda["cuda_build"] or ""))


def _speech(speech: Told) -> t.Iterator[Finding]:
    """An engine that somebody chose is no fallback, whatever it computes on."""
    usable = spoken_by(speech)
    wanted = next((engine for engine in speech["engines"] if engine["device"] == "cuda"), None)
    if wanted and usable and usable["device"] != "cuda":
        yield Finding(
            "GPU-FALLBACK",
            "backend speech",
            f"{usable['name']} speaks on the {usable['device'].upper()}, because {wanted['name']} cannot be used: "
            f"{wanted['cause']}",
            f"SPEECH_ENGINE={speech['choice']}",
            "Build the image with backend_image_speech: cuda, or choose the other engine (SPEECH_ENGINE).",
        )


def spoken_by(speech: Told) -> Told | None:
    """The engine that would be asked first."""
    return next((engine for engine in speech["engines"] if engine["available"]), None)


def _onnx(onnx: Told) -> t.Iterator[Finding]:
    """A build for CUDA that does not load its libraries says so in a log line, and serves from the CPU."""
    if _ONNX_CUDA in onnx["offered"] and onnx["used"] != _ONNX_CUDA:
        yield Finding(
            "GPU-FALLBACK",
            "backend ONNX Runtime",
            f"a session of ONNX Runtime that asks for CUDA runs on {onnx['used'] or 'nothing'}",
            f"onnxruntime {onnx['version']}, offered: {', '.join(onnx['offered'])}",
            "Install the CUDA and cuDNN whose major versions this onnxruntime-gpu was built for.",
        )


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"
