"""A share of a host as resources, and what does not fit."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.hardware.share import Component, Host, Room, plan_share
from ansible_collections.harvis.platform.plugins.module_utils.hardware.vram import Model, compare

GIB = 1024**3
WORKSTATION = Host(24, int(62.43 * GIB), 64 * GIB, gpus=1, gpu_memory=24 * GIB)
MERGED = Component(("mergedOllamaBackend",))
OLLAMA, BACKEND = Component(("pod", "ollama")), Component(("pod", "backend"))


def planned(host: Host, share: float, *components: Component) -> list[dict[str, t.Any]]:
    return [given.to_values() for given in plan_share(host, share, components).resources.values()]


def resources(cpu: tuple[str, str], memory: tuple[str, str], gpus: int) -> dict[str, t.Any]:
    cards = {"nvidia.com/gpu": gpus} if gpus else {}
    return {
        "requests": {"cpu": cpu[0], "memory": memory[0], **cards},
        "limits": {"cpu": cpu[1], "memory": memory[1], **cards},
    }


def test_half_a_workstation_for_one_component() -> None:
    assert planned(WORKSTATION, 0.5, MERGED) == [resources(("1", "12"), ("8Gi", "32Gi"), 1)]


def test_two_containers_share_what_one_would_get() -> None:
    assert planned(WORKSTATION, 0.5, OLLAMA, BACKEND) == [
        resources(("500m", "6"), ("4Gi", "16Gi"), 1),
        resources(("500m", "6"), ("4Gi", "16Gi"), 0),
    ]


def test_weights_divide_the_share() -> None:
    heavy = Component(("pod", "ollama"), weight=3)

    assert planned(WORKSTATION, 0.5, heavy, BACKEND) == [
        resources(("750m", "9"), ("6Gi", "24Gi"), 1),
        resources(("250m", "3"), ("2Gi", "8Gi"), 0),
    ]


@pytest.mark.parametrize("weights", [(1, 1, 1), (1, 2, 4), (0.3, 7, 1.1)])
@pytest.mark.parametrize("share", [0.2, 0.37, 0.5, 1])
def test_the_sum_is_never_above_the_share(share: float, weights: tuple[float, ...]) -> None:
    components = [Component((f"c{i}",), weight) for i, weight in enumerate(weights)]
    given = plan_share(WORKSTATION, share, components).resources.values()

    assert sum(g.millicores for g in given) <= 24_000 * share
    assert sum(g.mebibytes for g in given) * 1024**2 <= 64 * GIB * share


def test_the_system_keeps_its_room() -> None:
    plan = plan_share(WORKSTATION, 1, [MERGED], Room(cpu=2, memory=4 * GIB))

    assert plan.resources[MERGED].to_values()["limits"]["cpu"] == "22"
    assert plan.memory <= 62.43 * GIB - 4 * GIB
    assert plan.notes == (
        "the share asks for 24 of CPU; 22 is left beside the room for the system",
        "the share asks for 64 GiB of memory; 58.43 GiB is left beside the room for the system",
    )


DEALT = [
    # id, GPUs, times each is offered, share, GPUs asked for, GPUs dealt
    ("none on the host", 0, 1, 0.5, (None, None), [0, 0]),
    ("one goes to the first", 1, 1, 0.5, (None, None), [1, 0]),
    ("one goes to who asks", 1, 1, 0.5, (None, 1), [0, 1]),
    ("none where none is wanted", 1, 1, 0.5, (0, None), [0, 1]),
    ("half of four", 4, 1, 0.5, (None, None), [1, 1]),
    ("all of three", 3, 1, 1.0, (None, None), [2, 1]),
    ("more than the share by asking", 4, 1, 0.25, (3, None), [3, 0]),
    ("a shared one for both", 1, 2, 0.5, (None, None), [1, 1]),
    ("nobody gets two slices", 1, 8, 1.0, (None, None), [1, 1]),
]


@pytest.mark.parametrize(
    ("gpus", "replicas", "share", "asked", "dealt"), [r[1:] for r in DEALT], ids=[r[0] for r in DEALT]
)
def test_gpus_are_dealt_whole(
    gpus: int, replicas: int, share: float, asked: tuple[int | None, ...], dealt: list[int]
) -> None:
    host = Host(24, 62 * GIB, 64 * GIB, gpus, 24 * GIB, replicas)
    components = [Component((f"c{i}",), gpus=number) for i, number in enumerate(asked)]

    assert [given.gpus for given in plan_share(host, share, components).resources.values()] == dealt


def test_who_gets_no_gpu_is_said() -> None:
    assert plan_share(WORKSTATION, 0.5, [OLLAMA, BACKEND]).notes == (
        "no GPU is left for pod.backend: it runs on the CPU",
    )


REFUSED = [
    ("PLB-INPUT", "0 is no part of a host", WORKSTATION, 0, [MERGED]),
    ("PLB-INPUT", "1.5 is no part of a host", WORKSTATION, 1.5, [MERGED]),
    ("PLB-INPUT", "nothing to divide", WORKSTATION, 0.5, []),
    ("PLB-INPUT", "is named twice", WORKSTATION, 0.5, [MERGED, MERGED]),
    ("PLB-INPUT", "a weight of -1", WORKSTATION, 0.5, [Component(("a",), weight=-1)]),
    ("PLB-INPUT", "memory_gib: 0 is no amount", Host(4, 0, 0), 0.5, [MERGED]),
    ("RES-SHARE", "asks for 2 nvidia.com/gpu, and the host offers 1", WORKSTATION, 0.5, [Component(("a",), gpus=2)]),
    ("RES-SHARE", r"nothing is left beside the room for the system \(0\)", Host(1, 8 * GIB, 8 * GIB), 0.5, [MERGED]),
    ("RES-SHARE", r"nothing is left .*\(-1 GiB\)", Host(4, GIB, GIB), 0.5, [MERGED]),
    (
        "RES-SHARE",
        "needs 40 GiB of memory, and its part of the share is 32Gi",
        WORKSTATION,
        0.5,
        [Component(("a",), least_memory=40 * GIB)],
    ),
    (
        "RES-SHARE",
        "needs 16 CPU, and its part of the share is 12",
        WORKSTATION,
        0.5,
        [Component(("a",), least_cpu=16)],
    ),
]


@pytest.mark.parametrize(("code", "said", "host", "share", "components"), REFUSED)
def test_what_does_not_fit_is_refused_with_the_numbers(
    code: str, said: str, host: Host, share: float, components: list[Component]
) -> None:
    with pytest.raises(HarvisError, match=said) as error:
        plan_share(host, share, components)

    assert [finding.code for finding in error.value.findings] == [code]


def test_what_a_model_needs(tmp_path: Path) -> None:
    weights = tmp_path / "model.gguf"
    weights.write_bytes(b"\0" * 10_000_000)

    assert Model.from_params({"name": "tts", "vram_gib": 6}) == Model("tts", 6 * GIB, "given")
    assert Model.from_params({"name": "x", "gguf": str(weights)}).needed == 12_000_000 + 512 * 1024**2
    assert Model.from_params({"name": "llama3:latest"}).needed == int(4.7e9 * 1.2) + 512 * 1024**2
    assert Model.from_params({"name": "mine"}).needed is None
    with pytest.raises(HarvisError, match="the model cannot be read: No such file"):
        Model.from_params({"name": "x", "gguf": str(tmp_path / "none.gguf")})


def test_models_that_fit() -> None:
    models = [Model("llama3", 6 * GIB, "given"), Model("tts", 6 * GIB, "given")]
    vram, not_checked = compare(models, cards=1, card_memory=24 * GIB)

    assert (vram.needed, vram.present, not_checked) == (12 * GIB, 24 * GIB, [])


@pytest.mark.fault("F87", code="GPU-VRAM", when="plan", by="files")
def test_models_that_do_not_fit_are_refused_with_the_numbers() -> None:
    models = [Model.from_params({"name": "llama3:70b"}), Model("tts", 6 * GIB, "given")]

    with pytest.raises(HarvisError, match=r"needs 51.2 GiB of GPU memory; 1 GPU with 24 GiB has 24 GiB") as error:
        compare(models, cards=1, card_memory=24 * GIB)

    assert error.value.findings[0].code == "GPU-VRAM"
    assert "llama3:70b: 45.2 GiB (estimated from 40 GB of weights); tts: 6 GiB (given)" in str(error.value)


def test_what_is_unknown_is_not_checked() -> None:
    _, unknown_model = compare([Model("mine", None, "unknown")], cards=1, card_memory=24 * GIB)
    _, unknown_card = compare([Model("tts", 6 * GIB, "given")], cards=1, card_memory=0)

    assert unknown_model == ["GPU memory for mine is unknown: give its vram_gib or a GGUF file"]
    assert unknown_card == ["GPU memory of the host is unknown: give gpu_memory_gib"]
