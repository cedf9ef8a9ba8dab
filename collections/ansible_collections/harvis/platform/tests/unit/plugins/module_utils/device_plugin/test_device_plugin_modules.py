"""The two modules as Ansible runs them, over a cluster in memory."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.harvis.platform.plugins.module_utils.device_plugin.objects import (
    config_hash,
    wanted_objects,
)
from ansible_collections.harvis.platform.plugins.module_utils.kube.errors import cluster_error
from ansible_collections.harvis.platform.plugins.modules import nvidia_device_plugin, nvidia_device_plugin_info

NODES = [{"name": "workstation", "gpus": 1}]


@pytest.fixture
def running(make: t.Any, fake_cluster: t.Any) -> t.Any:
    options = make.options()
    node = make.node(has=1, **{"harvis.dev/gpu": "true"})
    cluster = fake_cluster(node, make.plugin_pod(config_hash(options)), *wanted_objects(options))
    cluster.log_texts = {"nvidia-device-plugin-workstation": make.log("one-card")}
    return cluster


def answer(
    module: t.Any,
    cluster: t.Any,
    arguments: dict[str, t.Any],
    monkeypatch: t.Any,
    capsys: t.Any,
    *,
    check: bool = False,
) -> dict[str, t.Any]:
    monkeypatch.setattr(module, "connect", lambda *_: cluster)
    with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        module.main()
    return dict(json.loads(capsys.readouterr().out))


def test_a_plugin_that_is_as_wanted_is_left_alone(
    make: t.Any, running: t.Any, monkeypatch: t.Any, capsys: t.Any
) -> None:
    result = answer(nvidia_device_plugin, running, {"nodes": NODES, "image": make.image}, monkeypatch, capsys)

    assert result["changed"] is False
    assert result["nodes"]["workstation"]["allocatable"] == {"nvidia.com/gpu": 1}
    assert running.written == []


def test_check_mode_writes_nothing(make: t.Any, running: t.Any, monkeypatch: t.Any, capsys: t.Any) -> None:
    arguments = {"nodes": NODES, "image": make.image, "shares": 2}
    result = answer(nvidia_device_plugin, running, arguments, monkeypatch, capsys, check=True)

    assert result["changed"] is True
    assert running.written == []


def test_removal_in_check_mode_needs_no_image(running: t.Any, monkeypatch: t.Any, capsys: t.Any) -> None:
    arguments = {"nodes": NODES, "state": "absent"}
    result = answer(nvidia_device_plugin, running, arguments, monkeypatch, capsys, check=True)

    assert "DaemonSet nvidia-device-plugin/nvidia-device-plugin is not wanted" in result["reasons"]


def test_simulating_beside_a_real_card_fails_with_its_finding(
    make: t.Any, running: t.Any, monkeypatch: t.Any, capsys: t.Any
) -> None:
    arguments = {"nodes": [{**NODES[0], "pci_gpus": 1}], "image": make.image, "simulated_root": "/tree"}
    result = answer(nvidia_device_plugin, running, arguments, monkeypatch, capsys)

    assert result["failed"] is True
    assert [finding["code"] for finding in result["findings"]] == ["PLB-INPUT"]
    assert running.written == []


def test_the_info_module_gives_rows(running: t.Any, monkeypatch: t.Any, capsys: t.Any) -> None:
    result = answer(nvidia_device_plugin_info, running, {"nodes": NODES}, monkeypatch, capsys)

    assert (result["changed"], result["passed"]) == (False, True)
    assert [row["check"] for row in result["rows"]] == ["gpu-plugin", "gpu-pods"]


@pytest.mark.fault(code="PLG-SHORT", by="recorded cluster")
def test_the_info_module_fails_with_the_cause(running: t.Any, monkeypatch: t.Any, capsys: t.Any) -> None:
    result = answer(nvidia_device_plugin_info, running, {"nodes": [{**NODES[0], "gpus": 2}]}, monkeypatch, capsys)

    assert result["failed"] is True
    assert [finding["code"] for finding in result["findings"]] == ["PLG-SHORT"]


def test_a_report_is_made_where_no_cluster_answers(monkeypatch: t.Any, capsys: t.Any) -> None:
    def refuse(*_: t.Any) -> t.NoReturn:
        raise cluster_error("https://192.0.2.10:6443", "the API server cannot be reached")

    monkeypatch.setattr(nvidia_device_plugin_info, "connect", refuse)
    with patch_module_args({"nodes": NODES, "report_only": True}), pytest.raises(SystemExit):
        nvidia_device_plugin_info.main()
    result = json.loads(capsys.readouterr().out)

    assert (result["passed"], result["findings"][0]["code"]) == (False, "REL-CLUSTER")
