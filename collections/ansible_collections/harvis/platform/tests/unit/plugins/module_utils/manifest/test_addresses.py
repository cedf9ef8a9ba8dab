"""NET-LOCALHOST, NET-SERVICE and NET-SERVICEPORT, and the idioms that must not be taken for them."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.addresses import hosts, is_dialled
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.addresses import (
    localhost_addresses,
    unknown_ports,
    unknown_services,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import Directory
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.wiring import (
    both,
    container,
    deployment,
    read,
)
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import findings

STORE = """
apiVersion: v1
kind: Service
metadata: {name: store, namespace: shop}
spec: {selector: {app: store}, ports: [{port: 6379}]}
"""
RELEASED = """
apiVersion: v1
kind: Service
metadata: {name: prod-queue, namespace: shop, labels: {app.kubernetes.io/instance: prod}}
spec: {selector: {app: queue}, ports: [{port: 80}]}
"""
HEADLESS = """
apiVersion: v1
kind: Service
metadata: {name: peers, namespace: shop}
spec: {clusterIP: None, selector: {app: peers}, ports: [{port: 7000}]}
"""
ABROAD = """
apiVersion: v1
kind: Service
metadata: {name: mail, namespace: post}
spec: {selector: {app: mail}, ports: [{port: 25}]}
"""

HOSTS = [
    ("STORE_URL", "redis://user:pass@store:6379/0", [("redis", "store", 6379)]),
    ("STORE_URL", "https://store.shop.svc", [("https", "store.shop.svc", None)]),
    ("URLS", "http://a:1,http://b:2", [("http", "a", 1), ("http", "b", 2)]),
    ("KAFKA_BOOTSTRAP", "a:9092, b:9092", [("", "a", 9092), ("", "b", 9092)]),
    ("STORE_HOST", "store", [("", "store", None)]),
    ("STORE_TARGET", "store", []),
    ("IMAGE", "redis:7", []),
    ("GREETING", "hello:8080", []),
    ("STORE_URL", "http://$(HOST):80", []),
    ("STORE_URL", "unix:///run/store.sock", []),
]


@pytest.mark.parametrize(("name", "text", "wanted"), HOSTS)
def test_hosts(name: str, text: str, wanted: list[tuple[str, str, int | None]]) -> None:
    assert list(hosts(name, text)) == wanted


@pytest.mark.parametrize(
    "name", ["LISTEN_ADDR", "--bind-address", "CORS_ORIGINS", "NO_PROXY", "PUBLIC_URL", "BASE_URL", "HEALTHCHECK_URL"]
)
def test_names_of_addresses_that_are_not_dialled(name: str) -> None:
    assert not is_dialled(name)


NAMED = [
    ("store", ("shop", "store")),
    ("store.shop", ("shop", "store")),
    ("store.other.svc.cluster.local", ("other", "store")),
    ("peers-0.peers.shop.svc.cluster.local.", ("shop", "peers")),
    ("peers-0.peers", ("shop", "peers")),
    ("redis.io", None),
    ("api.example.com", None),
]


@pytest.mark.parametrize(("host", "wanted"), NAMED)
def test_the_service_that_a_host_name_means(host: str, wanted: tuple[str, str] | None) -> None:
    assert Directory(read(STORE, HEADLESS).objects).named(host, "shop") == wanted


LOCALHOST = [
    pytest.param("env: [{name: STORE_URL, value: 'http://localhost:6379'}]", 1, id="nobody-listens"),
    pytest.param(
        "env: [{name: STORE_HOST, value: localhost}, {name: STORE_PORT, value: '6379'}]", 0, id="port-spoken-of"
    ),
    pytest.param("env: [{name: STORE_URL, value: 'redis://127.0.0.1'}]", 1, id="port-of-the-scheme"),
    pytest.param("env: [{name: STORE_URL, value: 'http://[::1]:6379'}]", 1, id="ipv6"),
    pytest.param(
        "env: [{name: STORE_URL, value: 'http://localhost:8080'}]\nports: [{containerPort: 8080}]", 0, id="declared"
    ),
    pytest.param(
        "env: [{name: STORE_URL, value: 'http://localhost:8080'}]\nlivenessProbe: {httpGet: {port: 8080}}",
        0,
        id="probed",
    ),
    pytest.param(
        "env: [{name: STORE_URL, value: 'http://localhost:9000'}]\nargs: ['--listen=127.0.0.1:9000']", 0, id="option"
    ),
    pytest.param(
        "env: [{name: STORE_URL, value: 'http://localhost:9000'}]\nargs: ['--store', 'store:9000']",
        1,
        id="the-port-of-another-host",
    ),
    pytest.param("env: [{name: WEB_HOST, value: '127.0.0.1:9000'}]", 0, id="where-the-program-itself-listens"),
    pytest.param("env: [{name: CORS_ORIGINS, value: 'http://localhost:3000'}]", 0, id="of-browsers"),
    pytest.param("command: [sh, -c, 'curl http://localhost:9000']", 0, id="a-shell-line"),
    pytest.param("args: ['--store-url', 'http://localhost:6379']", 1, id="option-and-value"),
    pytest.param("args: ['--store-url=$(U)']\nenv: [{name: U, value: 'http://localhost:6379'}]", 1, id="expanded"),
]


@pytest.mark.parametrize(("body", "wanted"), LOCALHOST)
def test_localhost(body: str, wanted: int) -> None:
    codes, reasons = both([localhost_addresses], read(container(body)))

    assert [code for code, _ in codes] == ["NET-LOCALHOST"] * wanted
    assert reasons == []


def test_a_service_that_has_the_port_is_proposed() -> None:
    (finding,) = findings(
        [localhost_addresses], read(container("env: [{name: S_URL, value: 'http://localhost:6379'}]"), STORE)
    )

    assert finding.fix == "Write the Service's name: store."
    assert finding.evidence == "S_URL: http://localhost:6379; its containers declare no port"


SIDECARS = [
    pytest.param("- {name: proxy, image: example.com/proxy:1}", "container proxy, which declares no port", id="silent"),
    pytest.param("- {name: proxy, image: p, ports: [{containerPort: 6379}]}", "", id="declared"),
]


@pytest.mark.parametrize(("sidecar", "reason"), SIDECARS)
def test_other_containers_of_the_pod(sidecar: str, reason: str) -> None:
    web = "- {name: web, image: w, env: [{name: STORE_URL, value: 'http://localhost:6379'}]}"
    codes, reasons = both([localhost_addresses], read(deployment(f"containers:\n  {web}\n  {sidecar}")))

    assert codes == []
    assert [text.rpartition("depends on ")[2] for text in reasons] == ([reason] if reason else [])


def test_what_a_cluster_adds_is_not_checked() -> None:
    text = container("env: [{name: STORE_URL, value: 'http://localhost:3500'}]")
    meshed = text.replace("metadata: {labels", "metadata: {annotations: {dapr.io/enabled: 'true'}, labels")

    assert both([localhost_addresses], read(meshed)) == (
        [],
        [
            "whether http://localhost:3500 (STORE_URL) is answered in the pod of shop/Deployment/web: that depends on"
            " what dapr.io/enabled adds"
        ],
    )


SERVICES = [
    pytest.param("redis://stoer:6379", "there is no Service stoer in namespace shop; there is store", id="slip"),
    pytest.param("http://queue", "there is no Service queue in namespace shop; there is prod-queue", id="release-name"),
    pytest.param("smtp://mail:25", "Service mail lies in namespace post, not in shop", id="another-namespace"),
    pytest.param("redis://store:6379", "", id="there"),
    pytest.param("smtp://mail.post:25", "", id="there-by-namespace"),
    pytest.param("redis://stoer.elsewhere.svc:6379", "", id="a-namespace-that-is-not-ours"),
    pytest.param("https://stoer.example.com", "", id="public"),
    pytest.param("http://10.0.0.7:80", "", id="address"),
]


@pytest.mark.parametrize(("url", "wanted"), SERVICES)
def test_services(url: str, wanted: str) -> None:
    given = read(container(f"env: [{{name: THE_URL, value: '{url}'}}]"), STORE, RELEASED, ABROAD)

    assert [finding.cause for finding in findings([unknown_services], given)] == ([wanted] if wanted else [])


def test_a_service_of_somebody_else_is_not_checked() -> None:
    given = read(container("env: [{name: KAFKA_BOOTSTRAP, value: 'kafka.shop.svc:9092'}]"), STORE)

    assert both([unknown_services], given) == (
        [],
        ["whether there is a Service kafka in namespace shop (KAFKA_BOOTSTRAP): it is not among the objects"],
    )


def test_a_service_that_an_operator_makes() -> None:
    cluster = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: stor, namespace: shop}"
    given = read(
        container("env: [{name: THE_URL, value: 'http://stor-rw:6379'}]"), STORE.replace("store", "stor-r"), cluster
    )

    assert both([unknown_services], given)[0] == []


PORTS = [
    pytest.param("- {name: THE_URL, value: 'redis://store:6380'}", 1, id="wrong"),
    pytest.param("- {name: THE_URL, value: 'http://store'}", 1, id="of-the-scheme"),
    pytest.param("- {name: THE_URL, value: 'redis://store'}", 0, id="of-a-scheme-with-a-default-of-its-own"),
    pytest.param("- {name: THE_URL, value: 'http://store'}\n- {name: THE_PORT, value: '6379'}", 0, id="port-beside"),
    pytest.param("- {name: THE_URL, value: 'http://peers:8080'}", 0, id="headless"),
    pytest.param("- {name: THE_HOST, value: store}\n- {name: THE_PORT, value: '6380'}", 1, id="host-and-port"),
]


@pytest.mark.parametrize(("env", "wanted"), PORTS)
def test_ports(env: str, wanted: int) -> None:
    given = read(
        deployment(f"containers:\n- name: web\n  image: w\n  env:\n  {env.replace(chr(10), chr(10) + '  ')}"),
        STORE,
        HEADLESS,
    )

    assert [code for code, _ in both([unknown_ports], given)[0]] == ["NET-SERVICEPORT"] * wanted


def test_no_part_of_a_secret_is_shown() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\n"
    secret += "stringData: {U: 'redis://me:hush@stoer:1/x'}"
    given = read(container("env: [{name: U_URL, valueFrom: {secretKeyRef: {name: s, key: U}}}]"), STORE, secret)
    (finding,) = findings([unknown_services], given)

    assert finding.evidence == "U_URL: redis://stoer:1"
    assert "hush" not in str(finding)
