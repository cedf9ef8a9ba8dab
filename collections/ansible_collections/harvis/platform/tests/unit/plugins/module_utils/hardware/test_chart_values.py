"""A share laid over a values file: only what differs changes, and only on a real difference."""

from __future__ import annotations

import stat
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.hardware.merge import ValuesFile
from ansible_collections.harvis.platform.plugins.modules import chart_values, gpu_info
from ansible_collections.harvis.platform.tests.unit.fakes import run_main

HOST = {"cpu": 24, "memory_gib": 62.43, "installed_memory_gib": 64, "gpus": 1, "gpu_memory_gib": 23.99}
MERGED = {"host": HOST, "components": [{"path": "mergedOllamaBackend"}]}

BEFORE = """\
---
# Values of our workstation, übernommen von Hand
x:   1     # spacing of our own
none: ~
list:
    - a
    -   b
flow: {a: 1,
   b: 2}

mergedOllamaBackend:
    # what the pod may take
    resources:   # both stages
        requests:
            memory: 8192Mi   # as 8Gi
            cpu: 500m        # too little
            # the card
            nvidia.com/gpu: 1

        limits:
            cpu: 12000m
            memory: '2Gi'
    # about the service
    service: {port: 8000}
last: "no line break behind me\""""
AFTER = BEFORE.replace("500m        # too little", '"1"        # too little').replace(
    "'2Gi'\n", "32Gi\n            nvidia.com/gpu: 1\n"
)


def run(path: Path, *, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
    return run_main(chart_values.main, {**MERGED, "values_file": str(path), **changes}, check_mode=check_mode)


def test_only_amounts_that_differ_are_touched(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(BEFORE)
    path.chmod(0o640)
    checked = run(path, check_mode=True)
    assert path.read_text() == BEFORE

    done = run(path)
    assert path.read_text() == AFTER
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["values.yaml"]
    for result in (checked, done):
        assert result["changed"] is True
        assert (result["diff"]["before"], result["diff"]["after"]) == (BEFORE, AFTER)
        assert result["reasons"] == [
            "mergedOllamaBackend.resources.requests.cpu: 500m -> 1",
            "mergedOllamaBackend.resources.limits.memory: 2Gi -> 32Gi",
            "mergedOllamaBackend.resources.limits.nvidia.com/gpu: none -> 1",
        ]

    written = path.stat().st_mtime_ns
    assert [run(path, check_mode=mode)["changed"] for mode in (True, False)] == [False, False]
    assert path.stat().st_mtime_ns == written


def test_the_values_are_returned_without_a_file() -> None:
    result = run_main(chart_values.main, MERGED)

    assert result["changed"] is False
    assert result["values"] == {"mergedOllamaBackend": {"resources": result["resources"]["mergedOllamaBackend"]}}
    assert result["resources"]["mergedOllamaBackend"] == {
        "requests": {"cpu": "1", "memory": "8Gi", "nvidia.com/gpu": 1},
        "limits": {"cpu": "12", "memory": "32Gi", "nvidia.com/gpu": 1},
    }


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    result = run(path)

    assert yaml.safe_load(path.read_text()) == result["values"]
    assert run(path)["changed"] is False


def test_a_link_goes_on_leading_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("a: 1\n")
    link = tmp_path / "values.yaml"
    link.symlink_to("real.yaml")
    run(link)

    assert link.is_symlink()
    assert (tmp_path / "real.yaml").read_text().startswith("a: 1\nmergedOllamaBackend:\n  resources:\n")


def test_the_figures_of_a_recorded_host_are_taken(recorded: t.Any) -> None:
    host = run_main(gpu_info.main, {"root": str(recorded("ryzen-rtx4090").root)})
    result = run_main(chart_values.main, {**MERGED, "host": host["host"], "models": [{"name": "llama3"}]})

    assert (host["changed"], host["gpus"][0]["device"]) == (False, "10de:2684")
    assert result["resources"]["mergedOllamaBackend"]["limits"] == {"cpu": "12", "memory": "32Gi", "nvidia.com/gpu": 1}
    assert result["not_checked"] == ["GPU memory of the host is unknown: give gpu_memory_gib"]


def test_a_gpu_in_the_file_counts_as_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("b:\n  resources:\n    limits:\n      nvidia.com/gpu: 1\n")
    both = [{"path": "a"}, {"path": "b"}]

    assert run(path, components=both)["resources"]["a"]["limits"].get("nvidia.com/gpu") is None
    path.write_text(path.read_text().replace("gpu: 1", "gpu: 2"))
    refused = run(path, components=both)
    assert refused["findings"][0]["code"] == "RES-SHARE"
    assert "b: asks for 2 nvidia.com/gpu, and the host offers 1" in refused["msg"]


def test_a_gpu_is_taken_away_where_none_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(
        "a:\n  resources:\n    limits:\n      # a card\n      nvidia.com/gpu: 1\n      cpu: 12\n"
        "    requests: {nvidia.com/gpu: 1, cpu: 1}\n"
    )
    run(path, components=[{"path": "a", "gpus": 0}])

    assert path.read_text() == (
        "a:\n  resources:\n    limits:\n      # a card\n      cpu: 12\n      memory: 32Gi\n"
        "    requests: {cpu: 1, memory: 8Gi}\n"
    )


LLAMA_70B = {"models": [{"name": "llama3:70b"}]}
REFUSED = [
    (
        "RES-SHARE",
        "needs 45.2 GiB of memory without a GPU, and the share has 32 GiB",
        {**LLAMA_70B, "components": [{"path": "mergedOllamaBackend", "gpus": 0}]},
    ),
    ("RES-SHARE", "asks for 1 nvidia.com/gpu, and the host offers 0", {"host": {**HOST, "gpus": 0}}),
    ("GPU-VRAM", "needs 45.2 GiB of GPU memory; 1 GPU with 23.99 GiB has 23.99 GiB", LLAMA_70B),
    ("PLB-INPUT", "path 'a..b': is no path in values", {"components": [{"path": "a..b"}]}),
    ("PLB-INPUT", "share: 2 is no part of a host", {"share": 2}),
]


@pytest.mark.parametrize(("code", "said", "changes"), REFUSED)
def test_what_cannot_be_is_refused_and_nothing_written(
    tmp_path: Path, code: str, said: str, changes: dict[str, t.Any]
) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(BEFORE)
    result = run(path, **changes)

    assert (result["failed"], result["findings"][0]["code"]) == (True, code)
    assert said in result["msg"]
    assert path.read_text() == BEFORE


@pytest.mark.fault("F13", code="GPU-VRAM", when="plan", by="files")
def test_slices_of_a_card_have_its_memory_once() -> None:
    models = [{"name": "a", "vram_gib": 15}, {"name": "b", "vram_gib": 15}]
    sliced = {**MERGED, "gpu_replicas": 2, "components": [{"path": "a"}, {"path": "b"}], "models": models}
    fits = run_main(chart_values.main, {**sliced, "models": models[:1]})
    refused = run_main(chart_values.main, sliced)

    assert [fits["resources"][name]["limits"]["nvidia.com/gpu"] for name in "ab"] == [1, 1]
    assert refused["findings"][0]["code"] == "GPU-VRAM"
    assert "needs 30 GiB of GPU memory; 1 GPU with 23.99 GiB has 23.99 GiB" in refused["msg"]


EDITS = [
    # id, before, after setting a.b.c to 2
    ("an empty file", "", 'a:\n  b:\n    c: "2"\n'),
    ("comments alone", "# nothing yet\n", '# nothing yet\na:\n  b:\n    c: "2"\n'),
    ("an empty root", "{}\n", '{a: {b: {c: "2"}}}\n'),
    ("an empty block", "a:\n  b: {}  # none\nz: 1\n", 'a:\n  b:  # none\n    c: "2"\nz: 1\n'),
    ("nothing behind the colon", "a:\n  b:\nz: 1\n", 'a:\n  b:\n    c: "2"\nz: 1\n'),
    ("null", "a:\n  b: null\nz: 1\n", 'a:\n  b:\n    c: "2"\nz: 1\n'),
    ("an empty leaf", "a:\n  b:\n    c:\n", 'a:\n  b:\n    c: "2"\n'),
    ("a null leaf", "a: {b: {c: ~}}\n", 'a: {b: {c: "2"}}\n'),
    ("braces", "a: {b: {d: 1}}  # x\n", 'a: {b: {d: 1, c: "2"}}  # x\n'),
    ("empty braces in braces", "a: {b: {}}\n", 'a: {b: {c: "2"}}\n'),
    ("comment on the next", "a:\n  b:\n    d: 1\n  # e\n  e: 2\n", 'a:\n  b:\n    d: 1\n    c: "2"\n  # e\n  e: 2\n'),
    ("no line break at the end", "a:\n  b:\n    d: 1", 'a:\n  b:\n    d: 1\n    c: "2"\n'),
    ("four spaces", "a:\n    b:\n        d: 1\n", 'a:\n    b:\n        d: 1\n        c: "2"\n'),
    ("a text of lines last", "a:\n  b:\n    d: |\n      x\n\n", 'a:\n  b:\n    d: |\n      x\n\n    c: "2"\n'),
    ("a list last", "a:\n  b:\n    d:\n      - x\nz: 1\n", 'a:\n  b:\n    d:\n      - x\n    c: "2"\nz: 1\n'),
    ("quotes", "a:\n  'b':\n    \"c\": '1'\n", "a:\n  'b':\n    \"c\": \"2\"\n"),
    ("line breaks of Windows", "a:\r\n  b:\r\n    d: 1\r\n", 'a:\r\n  b:\r\n    d: 1\r\n    c: "2"\r\n'),
    ("the same in another spelling", "a: {b: {c: 2000m}}\n", "a: {b: {c: 2000m}}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS])
def test_one_leaf_is_set(before: str, after: str) -> None:
    file = ValuesFile(before).set(("a", "b", "c"), "2")

    assert file.text == after
    assert file.changed == (before != after)
    assert file.set(("a", "b", "c"), "2") == file


UNFIT = [
    ("no YAML", "a: [", "the values are no YAML"),
    ("a list", "- a\n", "the values are no mapping"),
    ("a word on the way", "a: 1\n", "is no mapping"),
    ("a shared block", "x: &r {d: 1}\na:\n  b: *r\n", "is tied to another block by an anchor"),
    ("the other end of it", "a:\n  b: &r {d: 1}\nx: *r\n", "is tied to another block by an anchor"),
]


@pytest.mark.parametrize(("text", "said"), [row[1:] for row in UNFIT], ids=[row[0] for row in UNFIT])
def test_a_file_that_cannot_be_edited_safely_is_refused(text: str, said: str) -> None:
    with pytest.raises(HarvisError, match=said) as error:
        ValuesFile(text, "values.yaml").set(("a", "b", "c"), "2")

    assert error.value.findings[0].code == "PLB-INPUT"
