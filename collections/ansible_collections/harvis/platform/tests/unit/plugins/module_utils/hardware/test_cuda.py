"""How libraries were built, and for which cards: tables of versions and lists, as wheels carry them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.hardware import cuda
from ansible_collections.harvis.platform.plugins.module_utils.hardware.cuda import Build

PROJECT = Path(__file__).resolve().parents[9]
TORCH_2_6_CU124 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]

COVERED = [
    ("the card's own", ["sm_89"], "8.9", True),
    ("an older minor", TORCH_2_6_CU124, "8.9", True),
    ("a newer minor", ["sm_89"], "8.6", False),
    ("another major", ["sm_80", "sm_86"], "9.0", False),
    ("Blackwell with yesterday's wheel", TORCH_2_6_CU124, "12.0", False),
    ("Blackwell with its own", ["sm_90", "sm_100", "sm_120"], "12.0", True),
    ("PTX of something older", ["sm_70", "compute_70"], "8.9", True),
    ("PTX of something newer", ["compute_90"], "8.9", False),
    ("code for Hopper alone, on Hopper", ["sm_90a"], "9.0", True),
    ("code for Hopper alone, elsewhere", ["sm_90a", "compute_90a"], "10.0", False),
    ("a family's code", ["sm_100f"], "10.3", True),
    ("a family's PTX is not for the next one", ["compute_100f"], "12.0", False),
    ("nothing", [], "8.9", False),
]


@pytest.mark.parametrize(("built", "card", "runs"), [row[1:] for row in COVERED], ids=[row[0] for row in COVERED])
def test_code_for_a_card(built: list[str], card: str, runs: bool) -> None:
    assert cuda.covers(built, card) is runs


def test_ptx_that_the_driver_cannot_compile_does_not_count() -> None:
    assert cuda.covers(["compute_70"], "8.9", ptx=False) is False
    assert cuda.covers(["sm_80", "compute_70"], "8.9", ptx=False) is True


@pytest.mark.fault("F25", code="GPU-ARCH", when="after build", by="files")
def test_a_wheel_without_code_for_the_card() -> None:
    (finding,) = cuda.check_architecture("backend:1", ["sm_50", "sm_60", "sm_70"], "8.9")

    assert (finding.code, finding.subject) == ("GPU-ARCH", "backend:1")
    assert (finding.evidence, "sm_89" in finding.fix) == ("built for sm_50, sm_60, sm_70", True)
    assert cuda.check_architecture("backend:1", TORCH_2_6_CU124, "8.9") == []


BUILDS = [
    ("2.6.0+cu124", [], Build("torch", "2.6.0+cu124", (12, 4))),
    ("2.9.0+cu130", [], Build("torch", "2.9.0+cu130", (13, 0))),
    ("1.13.1+cu117.with.pypi.cudnn", [], Build("torch", "1.13.1+cu117.with.pypi.cudnn", (11, 7))),
    ("2.6.0+cpu", [], Build("torch", "2.6.0+cpu", None, cpu_only=True)),
    ("2.0.1+cpu.cxx11.abi", [], Build("torch", "2.0.1+cpu.cxx11.abi", None, cpu_only=True)),
    ("2.6.0", ["nvidia-cuda-runtime-cu12==12.4.127"], Build("torch", "2.6.0", (12, 4))),
    ("2.6.0", ['nvidia-cuda-runtime-cu12 (==12.4.127) ; platform_system == "Linux"'], Build("torch", "2.6.0", (12, 4))),
    ("2.6.0", ["numpy==2.0"], Build("torch", "2.6.0")),
    ("2.6.0+rocm6.2", [], Build("torch", "2.6.0+rocm6.2")),
]


@pytest.mark.parametrize(("version", "requires", "build"), BUILDS)
def test_how_a_wheel_was_built(version: str, requires: list[str], build: Build) -> None:
    assert cuda.build_of("torch", version, requires) == build


def test_the_backends_own_requirements() -> None:
    text = (PROJECT / "apps/harvis/python_back_end/requirements-cuda.txt").read_text()
    builds = cuda.builds_of(text)

    assert [(build.name, build.cuda) for build in builds] == [("torch", (12, 4)), ("torchaudio", (12, 4))]
    assert cuda.check_builds("backend", builds) == []


@pytest.mark.fault("F24", code="GPU-WHEEL", when="after build", by="files")
def test_a_wheel_for_cpus_in_an_image_for_gpus() -> None:
    frozen = "numpy==1.26.4\ntorch==2.6.0+cpu  # from the index for CPUs\ntorchaudio==2.6.0+cu124\n"
    (finding,) = cuda.check_builds("backend:1", cuda.builds_of(frozen))

    assert (finding.code, finding.cause) == ("GPU-WHEEL", "torch 2.6.0+cpu is built for CPUs alone")
