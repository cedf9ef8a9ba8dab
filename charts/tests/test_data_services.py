"""Kafka's configuration and the storage of both data services."""

from __future__ import annotations

from typing import Any

import pytest
from chart_rendering import Helm, Rendered


def _properties(rendered: Rendered) -> dict[str, str]:
    text = rendered.get("ConfigMap", "kafka-config")["data"]["server.properties"]
    return dict(line.split("=", 1) for line in text.splitlines())


PROPERTIES = {
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "process.roles": "broker,controller",
    "listeners": "CONTROLLER://localhost:9093,INTERNAL://:9092",
    "advertised.listeners": "INTERNAL://kafka.vhm.svc.cluster.local:9092",
}


def test_the_broker_is_configured_for_one_node(helm: Helm) -> None:
    assert _properties(helm.render("harvis-data")).items() >= PROPERTIES.items()


def test_clients_outside_are_told_the_nodes_address(helm: Helm) -> None:
    external = {"enabled": True, "host": "192.0.2.1", "nodePort": 31092}
    rendered = helm.render("harvis-data", {"kafka": {"external": external}})
    assert _properties(rendered)["advertised.listeners"].split(",")[1] == "EXTERNAL://192.0.2.1:31092"
    ports = rendered.get("Service", "kafka-external")["spec"]["ports"]
    assert [(p["nodePort"], p["targetPort"]) for p in ports] == [(31092, "external")]


def test_a_large_number_stays_a_number(helm: Helm) -> None:
    rendered = helm.render("harvis-data", {"kafka": {"config": {"log.retention.bytes": 1073741824}}})
    assert _properties(rendered)["log.retention.bytes"] == "1073741824"


def test_what_the_chart_sets_is_not_overridden_in_silence(helm: Helm) -> None:
    result = helm.template("harvis-data", {"kafka": {"config": {"node.id": 7}}})
    assert result.returncode != 0
    assert "kafka.config.node.id is set by the chart" in result.stderr


RESTARTS = [
    ({"kafka": {"config": {"log.retention.hours": 24}}}, {"kafka"}),
    ({"kafka": {"heap": "512m"}}, {"kafka"}),
    ({"qdrant": {"env": {"QDRANT__LOG_LEVEL": "DEBUG"}}}, {"qdrant"}),
]


@pytest.mark.parametrize(("change", "restarted"), RESTARTS)
def test_a_change_restarts_the_service_it_belongs_to(helm: Helm, change: dict[str, Any], restarted: set[str]) -> None:
    before, after = helm.render("harvis-data").pods(), helm.render("harvis-data", change).pods()
    workloads = {"kafka", "qdrant"}
    assert {name for name in workloads if before[name] != after[name]} == restarted


@pytest.mark.parametrize("service", ["kafka", "qdrant"])
def test_data_lies_in_a_claim(helm: Helm, service: str) -> None:
    persistence = {"storageClass": "fast", "size": "3Gi"}
    spec = helm.render("harvis-data", {service: {"persistence": persistence}}).get("StatefulSet", service)["spec"]
    claims = {claim["metadata"]["name"]: claim["spec"] for claim in spec["volumeClaimTemplates"]}
    wanted = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "3Gi"}},
        "storageClassName": "fast",
    }
    assert claims == {"data": wanted}


@pytest.mark.parametrize("service", ["kafka", "qdrant"])
def test_data_lies_in_a_folder_of_the_node(helm: Helm, service: str) -> None:
    values = {service: {"persistence": {"hostPath": "/srv/data"}}}
    spec = helm.render("harvis-data", values).get("StatefulSet", service)["spec"]
    volumes = {volume["name"]: volume for volume in spec["template"]["spec"]["volumes"]}
    assert volumes["data"]["hostPath"] == {"path": "/srv/data", "type": "Directory"}
    assert "volumeClaimTemplates" not in spec


@pytest.mark.parametrize("service", ["kafka", "qdrant"])
def test_a_service_is_found_by_name_and_by_pod(helm: Helm, service: str) -> None:
    rendered = helm.render("harvis-data")
    assert rendered.get("Service", service)["spec"].get("clusterIP") is None
    assert rendered.get("Service", f"{service}-headless")["spec"]["clusterIP"] == "None"
    assert rendered.get("StatefulSet", service)["spec"]["serviceName"] == f"{service}-headless"
