"""Whether programs use the cards they were granted: a backend on loopback that tells what others told of themselves.

What it tells is made by the back end's own classes, so that both sides mean the same by each key.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof
from ansible_collections.harvis.platform.plugins.module_utils.probe.suite import run_checks
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Settings, Visit
from ansible_collections.harvis.platform.plugins.modules import endpoint_check

APPLICATION = Path(__file__).resolve().parents[9] / "apps/harvis"
DIAGNOSTICS = ("GET", "/api/diagnostics")
GIB = 1024**3
CPU_ENGINE = {"name": "piper", "device": "cpu", "available": True, "loaded": True, "cause": None}
CARD_ENGINE = {"name": "chatterbox", "device": "cuda", "available": True, "loaded": True, "cause": None}


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[str], t.Any]:
    """A module of the back end."""
    monkeypatch.syspath_prepend(str(APPLICATION))
    before = set(sys.modules)
    yield lambda name: importlib.import_module(f"python_back_end.{name}")
    for name in set(sys.modules) - before:
        if name.startswith("python_back_end"):
            del sys.modules[name]


@dataclasses.dataclass
class Workstation:
    """A card that everything uses, unless a test changes what is told."""

    application: t.Callable[[str], t.Any]
    backend: t.Any
    told: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.backend.broken[DIAGNOSTICS] = lambda _: self.backend.json(self.told)
        self.loaded(("llama3:latest", 5 * GIB, 5 * GIB))
        self.cuda(available=True)
        self.onnx(offered=("CPUExecutionProvider",), used="CPUExecutionProvider")
        self.engines(CARD_ENGINE, CPU_ENGINE)

    def loaded(self, *models: tuple[str, int, int], cause: str | None = None) -> None:
        made = [dataclasses.asdict(self.application("ollama_client").LoadedModel(*model)) for model in models]
        self.told["ollama"] = {"loaded": made, "cause": cause}

    def cuda(self, **changes: t.Any) -> None:
        torch = self.application("cuda_diagnostics")
        card = torch.CudaDevice(0, "NVIDIA GeForce RTX 4090", "8.9", 24 * GIB, 20 * GIB)
        fine = {"torch": "2.6.0+cu124", "cuda_build": "12.4", "driver": "550.163.01"}
        shown = {"devices": (card,), "architectures": ("sm_80", "sm_86", "sm_90")}
        self.told["cuda"] = torch.CudaDiagnostics(**{**fine, **shown, **changes}).to_json()

    def onnx(self, **told: t.Any) -> None:
        self.told["onnx"] = self.application("onnx_diagnostics").OnnxDiagnostics("1.20.1", **told).to_json()

    def engines(self, *engines: dict[str, t.Any], choice: str = "auto") -> None:
        self.told["speech"] = {"choice": choice, "engines": list(engines)}

    def proof(self, *granted: str, **settings: t.Any) -> Proof:
        given = Settings(self.backend.url, gpu=granted or ("ollama", "backend"), **settings)
        return {p.row.check: p for p in run_checks(Visit(given, self.backend.client), ["gpu-use"])}["gpu-use"]

    def codes(self, *granted: str, **settings: t.Any) -> list[tuple[str, str]]:
        return [(finding.code, finding.subject) for finding in self.proof(*granted, **settings).findings]


@pytest.fixture
def station(application: t.Callable[[str], t.Any], backend: t.Any) -> Workstation:
    return Workstation(application, backend)


def without_torch(station: Workstation) -> None:
    gone = {"torch": None, "cuda_build": None, "driver": "550.163.01", "devices": (), "architectures": ()}
    station.cuda(available=False, cause="torch not installed", **gone)


def test_what_uses_its_card_passes_and_says_so(station: Workstation) -> None:
    proof = station.proof()

    assert proof.row.passed
    assert proof.row.evidence == (
        "ollama: llama3:latest 100 % in GPU memory; backend: torch 2.6.0+cu124 computes on NVIDIA GeForce RTX 4090 "
        "(sm_89), speech by chatterbox on cuda"
    )
    assert [path for _, path, _ in station.backend.asked][:2] == ["/api/chat", "/api/chat"], "a model is loaded first"


@pytest.mark.fault("F06", "F86", code="GPU-FALLBACK", when="after deploy", by="recorded cluster")
def test_a_model_on_the_cpu_in_a_container_with_a_card(station: Workstation) -> None:
    """Ollama's own figures, as of a server that started before the driver was ready."""
    station.loaded(("llama3:latest", 5 * GIB, 0))
    (finding,) = station.proof().findings

    assert (finding.code, finding.subject) == ("GPU-FALLBACK", "ollama llama3:latest")
    assert finding.cause == "Ollama has all of llama3:latest on the CPU, although its container was granted a GPU"
    assert finding.evidence == "/api/ps: size 5120 MiB, size_vram 0 MiB"
    assert "once, at its start" in finding.fix


@pytest.mark.fault("F87", code="GPU-FALLBACK", when="after deploy", by="recorded cluster")
def test_a_model_that_is_split(station: Workstation) -> None:
    station.loaded(("llama3:70b", 40 * GIB, 22 * GIB), ("phi3:mini", 2 * GIB, 2 * GIB))
    (finding,) = station.proof().findings

    assert finding.cause == "Ollama has a part of llama3:70b on the CPU: 55 % of it lie in GPU memory"
    assert station.proof(allow_degraded=True).row.passed
    station.loaded(("llama3:70b", 40 * GIB, 0))
    assert not station.proof(allow_degraded=True).row.passed, "a part may be on the CPU, never all"


def test_a_model_that_nobody_tells_of_is_not_taken_for_well(station: Workstation) -> None:
    station.loaded()
    assert station.codes() == [("PRB-FAILED", "ollama")]
    station.loaded(cause="nothing answers at http://localhost:11434")
    assert "nothing answers" in station.proof().findings[0].cause


@pytest.mark.fault("F92", code="GPU-FALLBACK", when="after deploy", by="recorded cluster")
def test_a_backend_without_torch_that_was_granted_a_card(station: Workstation) -> None:
    without_torch(station)
    station.engines({**CARD_ENGINE, "available": False, "cause": "chatterbox-tts not installed"}, CPU_ENGINE)
    (finding,) = station.proof().findings

    assert (finding.code, finding.subject) == ("GPU-FALLBACK", "backend")
    assert "torch not installed" in finding.cause
    assert (finding.evidence, "gpuContainer" in finding.fix) == (
        "torch none, built for CUDA none; driver 550.163.01",
        True,
    )
    assert station.codes("ollama") == [], "it was granted none"


@pytest.mark.fault("F92", code="GPU-FALLBACK", when="after deploy", by="recorded cluster")
def test_speech_on_the_cpu_beside_a_card_that_works(station: Workstation) -> None:
    cause = "left aside for a while: chatterbox ended loading: SIGKILL (out of memory?)"
    station.engines({**CARD_ENGINE, "available": False, "cause": cause}, CPU_ENGINE)
    (finding,) = station.proof().findings

    assert (finding.code, finding.subject) == ("GPU-FALLBACK", "backend speech")
    assert finding.cause == f"piper speaks on the CPU, because chatterbox cannot be used: {cause}"
    station.engines(CPU_ENGINE, choice="piper")
    assert station.codes() == [], "it was chosen"


@pytest.mark.fault("F91", code="GPU-FALLBACK", when="after deploy", by="recorded cluster")
def test_a_session_of_onnx_runtime_that_fell_back(station: Workstation) -> None:
    station.onnx(offered=("CUDAExecutionProvider", "CPUExecutionProvider"), used="CPUExecutionProvider")
    (finding,) = station.proof().findings

    assert (finding.code, finding.subject) == ("GPU-FALLBACK", "backend ONNX Runtime")
    assert finding.cause == "a session of ONNX Runtime that asks for CUDA runs on CPUExecutionProvider"
    station.onnx(offered=("CUDAExecutionProvider", "CPUExecutionProvider"), used="CUDAExecutionProvider")
    assert station.codes() == []


@pytest.mark.fault("F04", code="DRV-CUDA", when="after deploy", by="recorded cluster")
def test_a_driver_that_is_too_old_for_the_torch_that_runs(station: Workstation) -> None:
    cause = "no tensor on the card: the NVIDIA driver on your system is too old"
    station.cuda(available=False, cause=cause, driver="515.105.01")

    assert station.codes() == [("DRV-CUDA", "driver 515.105.01")]


@pytest.mark.fault("F24", code="GPU-WHEEL", when="after deploy", by="recorded cluster")
def test_a_torch_for_cpus(station: Workstation) -> None:
    station.cuda(available=False, cause="torch was built without CUDA", torch="2.6.0+cpu", cuda_build=None)

    assert station.codes() == [("GPU-WHEEL", "backend")]


@pytest.mark.fault("F25", code="GPU-ARCH", when="after deploy", by="recorded cluster")
def test_a_torch_without_code_for_the_card(station: Workstation) -> None:
    station.cuda(available=True, architectures=("sm_50", "sm_70", "sm_90"))
    assert station.codes() == [("GPU-ARCH", "backend")]

    station.cuda(available=True, architectures=("sm_50", "compute_70"))
    assert station.codes() == []
    station.cuda(available=True, architectures=("sm_50", "compute_70"), driver="535.261.03")
    assert station.codes() == [("GPU-ARCH", "backend")], "CUDA 12.2 does not compile the PTX of 12.4"


def test_simulated_cards_compute_nothing_and_the_row_says_so(station: Workstation) -> None:
    station.loaded(("harvis-random-test:latest", 300_000, 0))
    without_torch(station)
    station.engines(CPU_ENGINE)
    proof = station.proof(gpu_simulated=True)

    assert proof.row.passed
    assert proof.row.evidence == (
        "the cards are simulated, and compute nothing: ollama: harvis-random-test:latest 0 % in GPU memory; "
        "backend: no CUDA (torch not installed), speech by piper on cpu"
    )


def test_an_older_image_does_not_pass_for_well(station: Workstation) -> None:
    del station.told["ollama"]

    assert [code for code, _ in station.codes()] == ["PRB-CONTENT"]


def run(capsys: pytest.CaptureFixture[str], **params: t.Any) -> dict[str, t.Any]:
    with patch_module_args(params), pytest.raises(SystemExit):
        endpoint_check.main()
    return t.cast(dict[str, t.Any], json.loads(capsys.readouterr().out))


def test_the_module_asks_where_containers_were_granted_cards(
    station: Workstation, capsys: pytest.CaptureFixture[str]
) -> None:
    station.loaded(("llama3:latest", 5 * GIB, 0))
    asked = run(capsys, backend=station.backend.url, checks=[], gpu=["ollama"])
    simulated = run(capsys, backend=station.backend.url, checks=["ready"], gpu=["ollama"], gpu_simulated=True)

    assert [row["check"] for row in asked["rows"]] == ["chat", "gpu-use"]
    assert [finding["code"] for finding in asked["findings"]] == ["GPU-FALLBACK"]
    assert ([row["check"] for row in simulated["rows"]], simulated["passed"]) == (["ready", "chat", "gpu-use"], True)
