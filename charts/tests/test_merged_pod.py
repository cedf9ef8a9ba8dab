"""Ollama and the backend: resources, cards, environment, model and storage."""

from __future__ import annotations

from typing import Any

import pytest
from chart_rendering import Helm, Rendered, default_values

POD = "harvis-backend"
CARD = {"nvidia.com/gpu": 1}
AMOUNTS = {
    "requests": {"cpu": "1000m", "memory": "8Gi", **CARD},
    "limits": {"cpu": "12000m", "memory": "32Gi", **CARD},
}
OTHERS = {"requests": {"cpu": "2", "memory": "4Gi", **CARD}, "limits": {"cpu": "6", "memory": "16Gi", **CARD}}
ELSEWHERE = {"mergedOllamaBackend": {"enabled": False}, "backend": {"ollamaUrl": "http://ollama.example:11434"}}


def _with_cards(**more: Any) -> dict[str, Any]:
    return {"mergedOllamaBackend": {"resources": AMOUNTS, "ollama": {"resources": OTHERS}, **more}}


def _without_card(resources: dict[str, Any]) -> dict[str, Any]:
    return {kind: {k: v for k, v in amounts.items() if k not in CARD} for kind, amounts in resources.items()}


CARD_TABLE = [
    ("both", AMOUNTS, OTHERS, None, None),
    ("ollama", _without_card(AMOUNTS), OTHERS, "void", None),
    ("backend", AMOUNTS, _without_card(OTHERS), None, "void"),
]


@pytest.mark.parametrize(("keeps", "backend", "ollama", "backend_sees", "ollama_sees"), CARD_TABLE)
def test_resources_arrive_whole_on_their_container(
    helm: Helm, keeps: str, backend: dict[str, Any], ollama: dict[str, Any], backend_sees: str, ollama_sees: str
) -> None:
    rendered = helm.render("harvis", _with_cards(gpuContainer=keeps))
    assert rendered.container(POD, "backend")["resources"] == backend
    assert rendered.container(POD, "ollama")["resources"] == ollama
    assert rendered.env(POD, "backend").get("NVIDIA_VISIBLE_DEVICES") == backend_sees
    assert rendered.env(POD, "ollama").get("NVIDIA_VISIBLE_DEVICES") == ollama_sees


def test_the_defaults_ask_for_no_card(helm: Helm) -> None:
    rendered = helm.render("harvis")
    asked = [c["resources"][kind].keys() for c in _containers(rendered) for kind in ("requests", "limits")]
    assert {frozenset(names) for names in asked} == {frozenset({"cpu", "memory"})}


def _containers(rendered: Rendered) -> list[dict[str, Any]]:
    spec = rendered.pods()[POD]["spec"]
    return spec["containers"] + spec["initContainers"]


def test_only_one_pod_at_a_time_has_the_card(helm: Helm) -> None:
    assert helm.render("harvis").get("Deployment", POD)["spec"]["strategy"] == {"type": "Recreate"}


def test_ollama_answers_in_the_pod_and_from_outside(helm: Helm) -> None:
    rendered = helm.render("harvis")
    assert rendered.env(POD, "backend")["OLLAMA_URL"] == "http://localhost:11434"
    assert rendered.env(POD, "ollama")["OLLAMA_HOST"] == "0.0.0.0:11434"
    assert rendered.env(POD, "model")["OLLAMA_HOST"] == "127.0.0.1:11435"


ENVIRONMENT_TABLE = [
    ({}, {}, "http://localhost:11434"),
    ({"OLLAMA_URL": "http://a"}, {}, "http://a"),
    ({}, {"OLLAMA_URL": "http://b"}, "http://b"),
    ({"OLLAMA_URL": "http://a"}, {"OLLAMA_URL": "http://b"}, "http://b"),
    ({"OLLAMA_URL": "http://a"}, {"OLLAMA_URL": ""}, ""),
]


@pytest.mark.parametrize(("common", "merged", "seen"), ENVIRONMENT_TABLE)
def test_the_nearer_environment_wins(helm: Helm, common: dict[str, str], merged: dict[str, str], seen: str) -> None:
    values = {"backend": {"env": common}, "mergedOllamaBackend": {"backend": {"env": merged}}}
    assert helm.render("harvis", values).env(POD, "backend")["OLLAMA_URL"] == seen


REFERENCES = [
    ("llama3", "llama3:latest"),
    ("llama3:8b", "llama3:8b"),
    ("hub.example:5000/team/model", "hub.example:5000/team/model:latest"),
]


@pytest.mark.parametrize(("name", "reference"), REFERENCES)
def test_the_model_is_named_as_ollama_lists_it(helm: Helm, name: str, reference: str) -> None:
    rendered = helm.render("harvis", {"mergedOllamaBackend": {"ollama": {"model": {"name": name}}}})
    assert rendered.env(POD, "model")["MODEL"] == reference


def test_a_proxy_reaches_the_container_that_pulls(helm: Helm) -> None:
    proxy = {"HTTPS_PROXY": "http://proxy.example:3128"}
    rendered = helm.render("harvis", {"mergedOllamaBackend": {"ollama": {"env": proxy}}})
    assert rendered.env(POD, "model").items() >= proxy.items()
    assert rendered.env(POD, "ollama").items() >= proxy.items()


def test_models_lie_in_a_claim_that_outlives_the_release(helm: Helm) -> None:
    claim = helm.render("harvis").get("PersistentVolumeClaim", "harvis-ollama-models")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert claim["spec"]["resources"]["requests"]["storage"] == "50Gi"


def test_models_lie_in_a_folder_of_the_node(helm: Helm) -> None:
    values = {"mergedOllamaBackend": {"ollama": {"persistence": {"hostPath": "/srv/models"}}}}
    rendered = helm.render("harvis", values)
    volumes = {v["name"]: v for v in rendered.pods()[POD]["spec"]["volumes"]}
    assert volumes["models"]["hostPath"] == {"path": "/srv/models", "type": "Directory"}
    assert rendered.names("PersistentVolumeClaim") == set()


@pytest.fixture(scope="module")
def alone(helm: Helm) -> Rendered:
    return helm.render("harvis", ELSEWHERE)


def test_alone_the_backend_is_all_there_is(alone: Rendered) -> None:
    spec = alone.pods()[POD]["spec"]
    assert [c["name"] for c in spec["containers"]] == ["backend"]
    assert "initContainers" not in spec
    assert alone.names("Service") == {POD}
    assert alone.names("PersistentVolumeClaim") == set()


def test_alone_the_backend_has_resources_of_its_own(helm: Helm) -> None:
    rendered = helm.render("harvis", {**ELSEWHERE, "backend": {**ELSEWHERE["backend"], "resources": AMOUNTS}})
    assert rendered.container(POD, "backend")["resources"] == AMOUNTS


def test_alone_everybody_uses_the_other_ollama(alone: Rendered) -> None:
    assert alone.env(POD, "backend")["OLLAMA_URL"] == "http://ollama.example:11434"
    assert alone.env("reteller", "reteller")["OLLAMA_BASE_URL"] == "http://ollama.example:11434"


def test_alone_the_backend_keeps_its_name_selector_and_image(helm: Helm, alone: Rendered) -> None:
    merged = helm.render("harvis").get("Deployment", POD)
    assert alone.get("Deployment", POD)["spec"]["selector"] == merged["spec"]["selector"]
    assert (
        alone.container(POD, "backend")["image"] == default_values("harvis")["mergedOllamaBackend"]["backend"]["image"]
    )


SERVICES = [
    ({"type": "ClusterIP", "nodePort": 30801}, {"type": "ClusterIP"}, None),
    ({"type": "NodePort", "nodePort": 30801, "loadBalancerIP": "192.0.2.7"}, {"type": "NodePort"}, 30801),
    ({"type": "NodePort", "nodePort": 0}, {"type": "NodePort"}, None),
    (
        {"type": "LoadBalancer", "nodePort": 0, "loadBalancerIP": "192.0.2.7"},
        {"type": "LoadBalancer", "loadBalancerIP": "192.0.2.7"},
        None,
    ),
]


@pytest.mark.parametrize(("service", "spec", "node_port"), SERVICES)
def test_the_front_service_has_the_type_that_was_asked_for(
    helm: Helm, service: dict[str, Any], spec: dict[str, str], node_port: int | None
) -> None:
    rendered = helm.render("harvis", {"mergedOllamaBackend": {"service": service}}).get("Service", POD)["spec"]
    assert {k: v for k, v in rendered.items() if k in ("type", "loadBalancerIP")} == spec
    assert [(p["port"], p.get("nodePort")) for p in rendered["ports"]] == [(8000, node_port)]


def test_annotations_reach_the_front_service(helm: Helm) -> None:
    annotations = {"metallb.io/loadBalancerIPs": "192.0.2.7"}
    rendered = helm.render("harvis", {"mergedOllamaBackend": {"service": {"annotations": annotations}}})
    assert rendered.get("Service", POD)["metadata"]["annotations"] == annotations
