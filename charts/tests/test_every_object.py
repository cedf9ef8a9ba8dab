"""Rules that hold for every object of both charts under every scenario."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from chart_rendering import Object, Rendered

NAMESPACES = {"ai-agents", "vhm"}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def _containers(pod: Object) -> list[Object]:
    return pod["spec"]["containers"] + pod["spec"].get("initContainers", [])


def _all_containers(scenario: Rendered) -> Iterator[tuple[str, Object]]:
    for name, pod in scenario.pods().items():
        for container in _containers(pod):
            yield f"{name}/{container['name']}", container


def _labels_match(selector: dict[str, str], pod: Object) -> bool:
    return selector.items() <= pod["metadata"]["labels"].items()


def test_states_its_namespace(scenario: Rendered) -> None:
    assert {o["metadata"].get("namespace") for o in scenario} <= NAMESPACES


def test_is_rendered_once(scenario: Rendered) -> None:
    names = [(o["kind"], o["metadata"]["namespace"], o["metadata"]["name"]) for o in scenario]
    assert len(names) == len(set(names))


def test_carries_the_standard_labels(scenario: Rendered) -> None:
    wanted = {f"app.kubernetes.io/{label}" for label in ("name", "instance", "component", "version", "managed-by")}
    assert [o["metadata"]["name"] for o in scenario if not wanted <= o["metadata"]["labels"].keys()] == []


def test_pods_have_no_service_links_and_no_token(scenario: Rendered) -> None:
    settings = {
        name: (pod["spec"]["enableServiceLinks"], pod["spec"]["automountServiceAccountToken"])
        for name, pod in scenario.pods().items()
    }
    assert set(settings.values()) == {(False, False)}


def test_pods_run_as_the_images_user(scenario: Rendered) -> None:
    for pod in scenario.pods().values():
        context = pod["spec"]["securityContext"]
        assert (context["runAsNonRoot"], context["runAsUser"], context["fsGroup"]) == (True, 10001, 10001)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_containers_are_confined(scenario: Rendered) -> None:
    wanted = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [name for name, container in _all_containers(scenario) if container["securityContext"] != wanted] == []


def test_containers_have_limits(scenario: Rendered) -> None:
    for name, container in _all_containers(scenario):
        assert container["resources"]["limits"].keys() >= {"cpu", "memory"}, name


def test_containers_can_write_to_tmp(scenario: Rendered) -> None:
    for pod in scenario.pods().values():
        empty = {volume["name"] for volume in pod["spec"]["volumes"] if "emptyDir" in volume}
        for container in _containers(pod):
            mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert mounted["/tmp"] in empty


def test_mounts_have_their_volume(scenario: Rendered) -> None:
    claims = {o["metadata"]["name"]: o["spec"].get("volumeClaimTemplates", []) for o in scenario if "spec" in o}
    for name, pod in scenario.pods().items():
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        volumes |= {claim["metadata"]["name"] for claim in claims[name]}
        mounts = {mount["name"] for container in _containers(pod) for mount in container["volumeMounts"]}
        assert mounts == volumes, name


def test_environment_names_are_given_once(scenario: Rendered) -> None:
    for name, container in _all_containers(scenario):
        names = [entry["name"] for entry in container.get("env", [])]
        assert len(names) == len(set(names)), name


def test_long_running_containers_have_all_probes(scenario: Rendered) -> None:
    for name, pod in scenario.pods().items():
        if pod.get("kind") == "Pod":
            continue
        for container in pod["spec"]["containers"]:
            ports = {port["name"] for port in container["ports"]}
            for probe in PROBES:
                check = container[probe].get("httpGet") or container[probe]["tcpSocket"]
                assert check["port"] in ports, f"{name}/{container['name']} {probe}"


def test_a_rollout_waits_for_the_new_pod(scenario: Rendered) -> None:
    strategies = {o["metadata"]["name"]: o["spec"]["strategy"] for o in scenario if o["kind"] == "Deployment"}
    for name, strategy in strategies.items():
        waits = strategy["type"] == "Recreate" or strategy["rollingUpdate"]["maxUnavailable"] == 0
        assert waits, name


def test_selectors_choose_the_pods_of_one_workload(scenario: Rendered) -> None:
    pods = scenario.pods()
    for workload in (o for o in scenario if o["kind"] in ("Deployment", "StatefulSet")):
        selector = workload["spec"]["selector"]["matchLabels"]
        assert [name for name, pod in pods.items() if _labels_match(selector, pod)] == [workload["metadata"]["name"]]


def test_services_lead_to_a_port_of_one_workload(scenario: Rendered) -> None:
    for service in (o for o in scenario if o["kind"] == "Service"):
        chosen = [pod for pod in scenario.pods().values() if _labels_match(service["spec"]["selector"], pod)]
        assert len(chosen) == 1, service["metadata"]["name"]
        ports = itertools.chain.from_iterable(c.get("ports", []) for c in chosen[0]["spec"]["containers"])
        targets = {port["targetPort"] for port in service["spec"]["ports"]}
        assert targets <= {port["name"] for port in ports}, service["metadata"]["name"]


def test_tests_are_hooks_that_clean_up(scenario: Rendered) -> None:
    tests = [o["metadata"]["annotations"] for o in scenario if o["kind"] == "Pod"]
    wanted = {"helm.sh/hook": "test", "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded"}
    assert tests == [wanted, wanted]
