"""ENV-*: references, variables, and changes that reach the pods or do not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.changes import (
    idle_checksums,
    unrolled_changes,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.references import lost_references
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.variables import (
    doubled_variables,
    odd_names,
    service_links,
    shadowed_variables,
    white_space,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.links import link_variables
from ansible_collections.harvis.platform.plugins.module_utils.manifest.services import Directory
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.wiring import (
    both,
    container,
    deployment,
    read,
)
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import findings

CHANGES = [unrolled_changes, idle_checksums]


def config(data: str, name: str = "settings", kind: str = "ConfigMap", more: str = "") -> str:
    part = "data" if kind == "ConfigMap" else "stringData"
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\n{part}: {{{data}}}\n{more}"


def reference(key: str, name: str = "settings", kind: str = "configMap", optional: bool = False) -> str:
    extra = ", optional: true" if optional else ""
    return container(f"env: [{{name: A, valueFrom: {{{kind}KeyRef: {{name: {name}, key: {key}{extra}}}}}}}]")


REFERENCES = [
    pytest.param(reference("LEVEL"), [], 0, id="there"),
    pytest.param(reference("SIZE"), ["ENV-KEY"], 0, id="no-such-key"),
    pytest.param(reference("LEVLE", optional=True), ["ENV-OPTIONAL"], 0, id="optional-slip"),
    pytest.param(reference("SIZE", optional=True), [], 0, id="an-optional-setting-left-out"),
    pytest.param(reference("SIZE", name="other"), [], 1, id="somebody-else's-object"),
    pytest.param(reference("SIZE", name="other", optional=True), [], 0, id="optional-object"),
    pytest.param(reference("LEVEL", name="setting"), ["ENV-KEY"], 0, id="slip-of-an-object-nobody-uses"),
    pytest.param(reference("ca.crt", name="kube-root-ca.crt"), [], 0, id="the-cluster's-own"),
    pytest.param(
        reference("TOKEN", "keys", "secret", optional=True), ["ENV-OPTIONAL"], 0, id="optional-key-of-a-secret"
    ),
    pytest.param(reference("TOKEN", "later", "secret"), [], 1, id="a-secret-that-is-filled-in"),
    pytest.param(reference("LEVEL", name="abroad"), ["ENV-KEY"], 0, id="in-another-namespace"),
    pytest.param(
        deployment("volumes: [{name: v, configMap: {name: settings, items: [{key: X}]}}]"), ["ENV-KEY"], 0, id="item"
    ),
    pytest.param(
        deployment("volumes: [{name: v, projected: {sources: [{secret: {name: keys}}]}}]"), [], 0, id="projected"
    ),
]


@pytest.mark.parametrize(("web", "codes", "unknown"), REFERENCES)
def test_references(web: str, codes: list[str], unknown: int) -> None:
    given = read(
        web,
        config("LEVEL: info"),
        config("KEY: abc", "keys", "Secret"),
        config("", "later", "Secret"),
        config("LEVEL: x", "abroad").replace("namespace: shop", "namespace: abroad"),
    )
    found, reasons = both([lost_references], given)

    assert [code for code, _ in found] == codes
    assert len(reasons) == unknown


def test_the_nearest_key_is_proposed_and_its_line_is_the_reference() -> None:
    (finding,) = findings([lost_references], read(reference("LEVLE"), config("LEVEL: info, SIZE: '1'")))

    assert finding.fix == "Write LEVEL."
    assert finding.evidence == "its keys: LEVEL, SIZE"
    assert finding.place
    assert finding.place.field == "/spec/template/spec/containers/0/env/0/valueFrom/configMapKeyRef/key"


def sources(*names: str) -> str:
    return container("envFrom: [" + ", ".join(f"{{configMapRef: {{name: {name}}}}}" for name in names) + "]")


SHADOWED = [
    pytest.param("LEVEL: info", "LEVEL: debug", sources("a", "b"), 1, id="differ"),
    pytest.param("LEVEL: info", "LEVEL: info", sources("a", "b"), 0, id="same"),
    pytest.param("LEVEL: info", "SIZE: '1'", sources("a", "b"), 0, id="other-keys"),
    pytest.param(
        "LEVEL: info", "SIZE: '1'", sources("a") + "\n" + " " * 10 + "env: [{name: LEVEL, value: x}]", 0, id="env-wins"
    ),
]


@pytest.mark.parametrize(("one", "two", "web", "wanted"), SHADOWED)
def test_shadowed(one: str, two: str, web: str, wanted: int) -> None:
    assert len(findings([shadowed_variables], read(web, config(one, "a"), config(two, "b")))) == wanted


def test_twice() -> None:
    given = read(container("env: [{name: A, value: '1'}, {name: B}, {name: A, value: '1'}]"))

    assert both([doubled_variables], given)[0] == [("ENV-TWICE", "/spec/template/spec/containers/0/env/2")]


NAMES = [
    pytest.param("LEVEL: x", "", "v1.34.4", [], id="identifier"),
    pytest.param("app.level: x", "", "v1.31.0", ["it is set, under a name that no shell can expand"], id="dots"),
    pytest.param(
        "9lives: x",
        "",
        "v1.31.0",
        ["Kubernetes v1.31.0 leaves it out, and says so in an event only"],
        id="digit-before",
    ),
    pytest.param("9lives: x", ", prefix: A_", "v1.31.0", [], id="prefix-makes-it-one"),
    pytest.param(
        "9lives: x",
        "",
        "v1.34.4",
        ["since Kubernetes 1.32 it is set, under a name that no shell can expand; older versions leave it out"],
        id="digit-now",
    ),
]


@pytest.mark.parametrize(("data", "prefix", "kubernetes", "evidence"), NAMES)
def test_odd_names(data: str, prefix: str, kubernetes: str, evidence: list[str]) -> None:
    web = container(f"envFrom: [{{configMapRef: {{name: settings}}{prefix}}}]")
    given = read(web, config(data), kubernetes=kubernetes)

    assert [finding.evidence for finding in findings([odd_names], given)] == evidence


KAFKA = """
apiVersion: v1
kind: Service
metadata: {{name: kafka, namespace: shop}}
spec: {{ports: [{{name: tcp-plain, port: 9092}}]{more}}}
"""


def test_the_variables_of_a_service() -> None:
    (service,) = Directory(read(KAFKA.format(more="")).objects).services

    assert link_variables(service) == [
        "KAFKA_SERVICE_HOST",
        "KAFKA_SERVICE_PORT",
        "KAFKA_PORT",
        "KAFKA_SERVICE_PORT_TCP_PLAIN",
        "KAFKA_PORT_9092_TCP",
        "KAFKA_PORT_9092_TCP_PROTO",
        "KAFKA_PORT_9092_TCP_PORT",
        "KAFKA_PORT_9092_TCP_ADDR",
    ]


LINKS = [
    pytest.param("confluentinc/cp-kafka:7.6.1", "", "", 1, id="reads-them"),
    pytest.param("confluentinc/cp-kafka:7.6.1", "enableServiceLinks: false", "", 0, id="refused"),
    pytest.param("confluentinc/cp-kafka:7.6.1", "", ", clusterIP: None", 0, id="headless"),
    pytest.param("bitnami/kafka:3.7", "", "", 0, id="other-scripts"),
    pytest.param("provectuslabs/kafka-ui:1", "", "", 0, id="another-program"),
]


@pytest.mark.parametrize(("image", "spec", "more", "wanted"), LINKS)
def test_service_links(image: str, spec: str, more: str, wanted: int) -> None:
    web = deployment(f"containers: [{{name: broker, image: '{image}'}}]\n{spec}")

    assert (
        both([service_links], read(web, KAFKA.format(more=more)))[0] == [("ENV-LINKS", "/spec/template/spec")] * wanted
    )


SPACE = [
    pytest.param('"abc\\n"', "ends with a newline", id="newline"),
    pytest.param('" abc"', "begins with white space", id="space-before"),
    pytest.param('"abc"', "", id="clean"),
    pytest.param('"a\\nb\\n"', "", id="several-lines"),
    pytest.param('"\\n"', "", id="nothing-else"),
]


@pytest.mark.parametrize(("value", "wanted"), SPACE)
def test_white_space(value: str, wanted: str) -> None:
    web = container("envFrom: [{secretRef: {name: keys}}]")
    causes = [f.cause for f in findings([white_space], read(web, config(f"TOKEN: {value}", "keys", "Secret")))]

    assert causes == ([f"the value that becomes variable TOKEN {wanted}"] if wanted else [])


def annotated(checksum: str, body: str) -> str:
    return container(body).replace("metadata: {labels: {app", f"metadata: {{annotations: {{{checksum}}}, labels: {{app")


VARIABLES = "envFrom: [{configMapRef: {name: settings}}]"
FILE = "volumeMounts: [{name: v, mountPath: /etc/web/LEVEL, subPath: LEVEL}]"
CONFIG, WEB = "shop/ConfigMap/settings", "shop/Deployment/web"
DATA = Effect(CONFIG, "/data/LEVEL")
SUM = Effect(WEB, "/spec/template/metadata/annotations/checksum~1config")
OTHER = Effect(WEB, "/spec/replicas")
ROLLS = Effect(WEB, "/spec/template/spec/containers/0/image")


def effects(*found: Effect, **others: t.Iterable[Effect]) -> EffectMap:
    more = {(name,): frozenset(listed) for name, listed in others.items()}
    return EffectMap({("web", "level"): frozenset(found), **more})


MAPS = [
    pytest.param("a: b", effects(DATA), ["ENV-UNROLLED"], id="nothing-watches"),
    pytest.param("a: b", effects(DATA, OTHER), ["ENV-UNROLLED"], id="another-field-changes"),
    pytest.param("checksum/config: x", effects(DATA, SUM), [], id="a-checksum"),
    pytest.param("a: b", effects(DATA, ROLLS), [], id="the-template-changes-anyhow"),
    pytest.param("a: b", effects(OTHER), [], id="nothing-changes-the-config"),
    pytest.param("a: b", effects(Effect(CONFIG, "/data/UNREAD")), [], id="a-key-that-is-not-there"),
    pytest.param("a: b", effects(Effect(CONFIG, "/metadata/labels/x")), [], id="no-data"),
    pytest.param("checksum/config: x", effects(DATA), ["ENV-CHECKSUM"], id="an-idle-checksum"),
    pytest.param("checksum/config: x", effects(DATA, image=[SUM]), ["ENV-CHECKSUM"], id="a-checksum-of-something-else"),
    pytest.param("checksum/config: x", effects(DATA, level2=[DATA, SUM]), ["ENV-UNROLLED"], id="a-checksum-of-a-part"),
    pytest.param(
        "checksum/config: x, checksum/secret: y",
        effects(DATA, SUM),
        [],
        id="the-checksum-of-a-secret-that-is-not-there",
    ),
    pytest.param("checksum/secret: y, rollme: z", effects(DATA), ["ENV-CHECKSUM"], id="the-only-checksum-is-for-all"),
]


@pytest.mark.parametrize(("annotations", "effect_map", "codes"), MAPS)
def test_changes_by_the_map_of_effects(annotations: str, effect_map: EffectMap, codes: list[str]) -> None:
    given = read(annotated(annotations, VARIABLES), config("LEVEL: info"), effects=effect_map)

    assert sorted(code for code, _ in both(CHANGES, given)[0]) == codes


EXEMPT = [
    pytest.param(config("LEVEL: info", more="immutable: true"), "a: b", id="immutable"),
    pytest.param(config("LEVEL: info"), "reloader.stakater.com/auto: 'true'", id="reloader"),
]


@pytest.mark.parametrize(("settings", "annotations"), EXEMPT)
def test_what_rolls_by_itself(settings: str, annotations: str) -> None:
    assert both(CHANGES, read(annotated(annotations, VARIABLES), settings, effects=effects(DATA))) == ([], [])


def test_a_name_with_a_hash_is_another_object_after_a_change() -> None:
    web = container("envFrom: [{configMapRef: {name: settings-7g2kf9hm4t}}]")
    found = effects(Effect("shop/ConfigMap/settings-7g2kf9hm4t", "/data/LEVEL"))

    assert both(CHANGES, read(web, config("LEVEL: info", "settings-7g2kf9hm4t"), effects=found)) == ([], [])


def test_plain_manifests_do_not_say() -> None:
    assert both(CHANGES, read(annotated("a: b", VARIABLES), config("LEVEL: info"))) == (
        [],
        ["whether pods restart when ConfigMap settings changes: plain manifests do not say what restarts them"],
    )
    assert both(CHANGES, read(annotated("checksum/config: x", VARIABLES), config("LEVEL: info"))) == ([], [])


def test_a_job_reads_its_settings_anew_each_time() -> None:
    job = annotated("a: b", VARIABLES).replace("apps/v1", "batch/v1").replace("kind: Deployment", "kind: Job")

    assert both(CHANGES, read(job, config("LEVEL: info"), effects=effects(DATA))) == ([], [])


OUTSIDE = [
    pytest.param("a: b", ["ENV-CHECKSUM"], id="only-outside"),
    pytest.param("checksum/config: x", [], id="at-both"),
]


@pytest.mark.parametrize(("annotations", "codes"), OUTSIDE)
def test_a_checksum_outside_the_template(annotations: str, codes: list[str]) -> None:
    web = annotated(annotations, VARIABLES).replace(
        "{name: web, namespace", "{annotations: {checksum/config: x}, name: web, namespace"
    )

    assert [code for code, _ in both([idle_checksums], read(web, config("LEVEL: info")))[0]] == codes


def test_the_checksum_of_an_empty_text() -> None:
    nothing = "checksum/config: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    field = "/spec/template/metadata/annotations/checksum~1config"

    assert both([idle_checksums], read(annotated(nothing, VARIABLES), config("LEVEL: info")))[0] == [
        ("ENV-CHECKSUM", field)
    ]
    assert both([idle_checksums], read(annotated(nothing, VARIABLES))) == ([], [])


MOUNTS = [
    pytest.param("a: b", FILE, ["ENV-SUBPATH"], id="a-file"),
    pytest.param("a: b", FILE.replace(", subPath: LEVEL", ""), [], id="a-folder"),
    pytest.param("checksum/config: x", FILE, [], id="with-a-checksum"),
]


@pytest.mark.parametrize(("annotations", "mount", "codes"), MOUNTS)
def test_files_by_sub_path(annotations: str, mount: str, codes: list[str]) -> None:
    web = annotated(annotations, mount) + "\n      volumes: [{name: v, configMap: {name: settings}}]"

    assert [code for code, _ in both([unrolled_changes], read(web, config("LEVEL: info")))[0]] == codes
