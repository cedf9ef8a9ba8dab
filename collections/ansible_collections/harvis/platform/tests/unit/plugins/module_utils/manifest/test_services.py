"""NET-SELECTOR, NET-SHARED, NET-TARGETPORT and NET-ADVERTISE, and the idioms that must not be taken for them."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.network import DETECTORS
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.services import (
    lost_selectors,
    shared_services,
    target_ports,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.labels import matches
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.wiring import (
    both,
    container,
    read,
)

SERVING = container("ports: [{name: http, containerPort: 8080}]")


def service(
    selector: str, ports: str = "[{port: 80, targetPort: http}]", namespace: str = "shop", more: str = ""
) -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {namespace}}}
spec: {{selector: {{{selector}}}, ports: {ports}{more}}}
"""


EXPRESSIONS = [
    ("{key: a, operator: In, values: [x, y]}", True),
    ("{key: a, operator: NotIn, values: [x]}", False),
    ("{key: b, operator: NotIn, values: [x]}", True),
    ("{key: a, operator: Exists}", True),
    ("{key: a, operator: DoesNotExist}", False),
]


@pytest.mark.parametrize(("expression", "wanted"), EXPRESSIONS)
def test_expressions_of_selectors(expression: str, wanted: bool) -> None:
    text = f"apiVersion: v1\nkind: X\nspec: {{matchExpressions: [{expression}]}}"
    selector = next(iter(read(text).objects)).body["spec"]

    assert matches(selector, {"a": "x"}) is wanted


SELECTORS = [
    pytest.param("app: web", 1, 0, id="takes-a-pod"),
    pytest.param("app: website", 0, 0, id="renamed"),
    pytest.param("app: web, tier: front", 0, 0, id="one-label-too-many"),
    pytest.param("app: web, role: master", 0, 1, id="elected-while-it-runs"),
    pytest.param("app: web, statefulset.kubernetes.io/pod-name: web-0", 1, 0, id="by-a-controller"),
]


@pytest.mark.parametrize(("selector", "healthy", "unknown"), SELECTORS)
def test_selectors(selector: str, healthy: int, unknown: int) -> None:
    codes, reasons = both([lost_selectors], read(SERVING, service(selector)))

    assert codes == [("NET-SELECTOR", "/spec/selector")] * (not healthy and not unknown)
    assert len(reasons) == unknown


def test_pods_that_are_not_ours_are_not_checked() -> None:
    dns = service("k8s-app: kube-dns").replace("name: web", "name: dns-upstream")

    assert both([lost_selectors], read(SERVING, dns)) == (
        [],
        [
            "whether shop/Service/dns-upstream selects a pod (k8s-app: kube-dns): something outside the objects may"
            " make it"
        ],
    )


def test_pods_that_an_operator_makes_are_not_checked() -> None:
    prometheus = "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: web, namespace: shop}"
    codes, reasons = both([lost_selectors], read(SERVING, service("app: website"), prometheus))

    assert codes == []
    assert len(reasons) == 1


def test_a_rollout_of_another_kind_has_pods() -> None:
    rollout = SERVING.replace("apps/v1", "argoproj.io/v1alpha1").replace("kind: Deployment", "kind: Rollout")

    assert both([lost_selectors], read(rollout, service("app: web"))) == ([], [])


def test_a_service_without_selector() -> None:
    bare = service("app: web").replace("selector: {app: web}, ", "")
    endpoints = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web, namespace: shop}"

    assert both([lost_selectors], read(bare))[1] == [
        "whether shop/Service/web has endpoints: it has no selector, and the objects have none"
    ]
    assert both([lost_selectors], read(bare, endpoints)) == ([], [])


SILENT = """
apiVersion: {api}
kind: {kind}
metadata: {{name: other, namespace: shop, annotations: {{{annotations}}}, labels: {{app: web}}}}
spec:
  {way}{{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c, image: i}}]}}}}
"""
SHARED = [
    pytest.param("a: b", "[{port: 80, targetPort: http}]", "", 1, id="another-workload"),
    pytest.param("helm.sh/hook: test", "[{port: 80, targetPort: http}]", "", 0, id="a-test-of-helm"),
    pytest.param("a: b", "[{port: 80, targetPort: http}]", ", clusterIP: None", 0, id="headless"),
]


@pytest.mark.parametrize(("annotations", "ports", "more", "wanted"), SHARED)
def test_shared_services(annotations: str, ports: str, more: str, wanted: int) -> None:
    other = SILENT.format(api="batch/v1", kind="Job", annotations=annotations, way="template: ")

    assert (
        both([shared_services], read(SERVING, other, service("app: web", ports, more=more)))[0]
        == [("NET-SHARED", "/spec/selector")] * wanted
    )


def test_a_canary_beside_its_deployment_shares_on_purpose() -> None:
    canary = SERVING.replace("metadata: {name: web,", "metadata: {name: web-canary,")

    assert both(DETECTORS, read(SERVING, canary, service("app: web"))) == ([], [])


@pytest.mark.parametrize(("pods_too", "wanted"), [(True, []), (False, [("NET-SHARED", "/spec/selector/team")])])
def test_labels_that_users_edit(pods_too: bool, wanted: list[tuple[str, str]]) -> None:
    effects = {Effect("shop/Service/web", "/spec/selector/team")}
    if pods_too:
        effects.add(Effect("shop/Deployment/web", "/spec/template/metadata/labels/team"))
    effect_map = EffectMap({("web", "podLabels", "team"): frozenset(effects)})

    assert both([shared_services], read(SERVING, service("app: web"), effects=effect_map))[0] == wanted


TARGETS = [
    pytest.param("[{port: 80, targetPort: http}]", "", [], id="by-name"),
    pytest.param("[{port: 80, targetPort: web}]", "", ["/spec/ports/0/targetPort"], id="unknown-name"),
    pytest.param("[{port: 80, targetPort: 8080}]", "", [], id="by-number"),
    pytest.param("[{port: 80}]", "", ["/spec/ports/0/port"], id="its-own-port"),
    pytest.param("[{port: 80, targetPort: 9000}]", "", ["/spec/ports/0/targetPort"], id="unknown-number"),
    pytest.param("[{port: 80, targetPort: 9000}]", "args: ['--admin=:9000']", [], id="spoken-of"),
    pytest.param("[{port: 80, targetPort: 8080}, {port: 81, targetPort: 9000}]", "", [], id="one-of-two-is-declared"),
]


@pytest.mark.parametrize(("ports", "more", "fields"), TARGETS)
def test_target_ports(ports: str, more: str, fields: list[str]) -> None:
    web = container(f"ports: [{{name: http, containerPort: 8080}}]\n{more}")

    assert both([target_ports], read(web, service("app: web", ports)))[0] == [("NET-TARGETPORT", f) for f in fields]


def test_who_declares_only_metrics_may_listen_elsewhere() -> None:
    web = container("ports: [{name: monitoring, containerPort: 7572}]")

    assert both([target_ports], read(web, service("app: web", "[{port: 443, targetPort: 9443}]"))) == ([], [])


POOL = """
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: lan, namespace: metallb-system, labels: {zone: a}}
spec: {addresses: [192.0.2.1-192.0.2.9]}
"""
ADVERTISEMENTS = [
    pytest.param("spec: {}", 0, id="takes-all"),
    pytest.param("", 0, id="without-spec"),
    pytest.param("spec: {ipAddressPools: [lan]}", 0, id="by-name"),
    pytest.param("spec: {ipAddressPools: [wan]}", 1, id="another"),
    pytest.param("spec: {ipAddressPoolSelectors: [{matchLabels: {zone: a}}]}", 0, id="by-label"),
    pytest.param("spec: {ipAddressPoolSelectors: [{matchLabels: {zone: b}}]}", 1, id="another-label"),
]


@pytest.mark.parametrize(("spec", "wanted"), ADVERTISEMENTS)
def test_pools(spec: str, wanted: int) -> None:
    head = "apiVersion: metallb.io/v1beta1\nkind: BGPAdvertisement\nmetadata: {name: a, namespace: metallb-system}"

    assert both(DETECTORS, read(POOL, f"{head}\n{spec}"))[0] == [("NET-ADVERTISE", "/metadata/name")] * wanted
