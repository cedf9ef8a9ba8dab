"""SEC-*, IMG-MUTABLE and GOP-*."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.chart.effect_map import Effect, EffectMap
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks import gitops, images, secrets
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.wiring import (
    both,
    container,
    deployment,
    read,
)
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import findings

HUSH = "Hn4-xR8-bV1"
FILE = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: c, namespace: shop}}
data:
  %s: |
    user: me
    # password: {HUSH}
    nested:
      password: %s
"""
PLACES = [
    pytest.param(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{DB_PASSWORD: {HUSH}}}",
        "SEC-CONFIGMAP",
        id="key",
    ),
    pytest.param(FILE % ("app.yaml", HUSH), "SEC-CONFIGMAP", id="line-of-a-file"),
    pytest.param(FILE % ("app.properties", f'"{HUSH}"'), "SEC-CONFIGMAP", id="quoted"),
    pytest.param(FILE % ("app.yaml", "${DB_PASSWORD}"), "", id="placeholder"),
    pytest.param(FILE % ("entrypoint.sh", HUSH), "", id="a-script"),
    pytest.param(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {DB_SECRET: database}\n---\n"
        "apiVersion: v1\nkind: Secret\nmetadata: {name: database}",
        "",
        id="the-name-of-a-secret",
    ),
    pytest.param(container(f"env: [{{name: DB_PASSWORD, value: {HUSH}}}]"), "SEC-PLAIN", id="variable"),
    pytest.param(container("env: [{name: DB_PASSWORD, value: $(OTHER)}]"), "", id="reference"),
    pytest.param(container(f"args: ['--db-password={HUSH}']"), "SEC-PLAIN", id="option"),
    pytest.param(container(f"args: ['--db-password', {HUSH}]"), "SEC-PLAIN", id="option-and-value"),
    pytest.param(container("args: ['--db-password', '--verbose']"), "", id="option-without-value"),
    pytest.param(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {PASSWORD: changeme}", "SEC-DEFAULT", id="known"
    ),
    pytest.param(
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{PASSWORD: {HUSH}}}", "", id="unknown"
    ),
]


@pytest.mark.parametrize(("text", "code"), PLACES)
def test_secrets(text: str, code: str) -> None:
    found = findings(secrets.DETECTORS, read(text))

    assert [finding.code for finding in found] == ([code] if code else [])
    assert all(HUSH not in str(finding) for finding in found)


PASSWORD = ("web", "adminPassword")
IN_SECRET = EffectMap({PASSWORD: frozenset({Effect("default/Secret/web", "/data/PASSWORD")})})
ELSEWHERE = EffectMap({PASSWORD: frozenset({Effect("default/Deployment/web", "/metadata/labels/x")})})
LEAVES = [
    pytest.param(Leaf(PASSWORD, HUSH, "values.yaml", 7), IN_SECRET, True, id="default"),
    pytest.param(Leaf(PASSWORD, HUSH, "prod.yaml", 7, override=True), IN_SECRET, False, id="set"),
    pytest.param(Leaf(PASSWORD, "", "values.yaml", 7), IN_SECRET, False, id="empty"),
    pytest.param(Leaf(PASSWORD, HUSH, "values.yaml", 7), ELSEWHERE, False, id="arrives-nowhere"),
    pytest.param(Leaf(PASSWORD, HUSH, "values.yaml", 7), None, True, id="effects-unknown"),
    pytest.param(Leaf(("web", "passwordKey"), HUSH, "values.yaml", 7), None, False, id="the-name-of-a-key"),
]


@pytest.mark.parametrize(("leaf", "effects", "wanted"), LEAVES)
def test_default_passwords(leaf: Leaf, effects: EffectMap | None, wanted: bool) -> None:
    found = findings([secrets.default_passwords], read("", leaves={leaf.path: leaf}, effects=effects))

    assert [(f.code, f.place and (f.place.file, f.place.line, f.place.leaf)) for f in found] == (
        [("SEC-DEFAULT", ("values.yaml", 7, "web.adminPassword"))] if wanted else []
    )
    assert all(HUSH not in str(finding) for finding in found)


IMAGES = [
    ("example.com:5000/web", "IfNotPresent", True),
    ("example.com:5000/web", "", False),
    ("example.com/web:latest", "", False),
    ("example.com/web:latest", "IfNotPresent", True),
    ("example.com/web:main", "", True),
    ("example.com/web:main", "Always", False),
    ("example.com/web:main-4f2a91c", "", False),
    ("example.com/web:1.4", "", False),
    ("example.com/web:latest@sha256:" + "0" * 64, "IfNotPresent", False),
]


@pytest.mark.parametrize(("image", "policy", "wanted"), IMAGES)
def test_mutable_tags(image: str, policy: str, wanted: bool) -> None:
    web = deployment(f"containers: [{{name: web, image: '{image}', imagePullPolicy: '{policy}'}}]")
    field = "/spec/template/spec/containers/0/image"

    assert both(images.DETECTORS, read(web))[0] == [("IMG-MUTABLE", field)] * wanted


RELEASE = (
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: r, namespace: flux}}\nspec: {{{spec}}}"
)
WATCHED = "driftDetection: {mode: enabled}"
RELEASES = [
    pytest.param("", ["GOP-DRIFT"], id="drift-unwatched"),
    pytest.param("driftDetection: {mode: warn}", [], id="drift-told"),
    pytest.param("driftDetection: {mode: disabled}", ["GOP-DRIFT"], id="drift-off"),
    pytest.param("suspend: true", [], id="suspended"),
    pytest.param(f"{WATCHED}, chart: {{spec: {{sourceRef: {{kind: GitRepository}}}}}}", ["GOP-VERSION"], id="from-git"),
    pytest.param(f"{WATCHED}, chart: {{spec: {{sourceRef: {{kind: HelmRepository}}}}}}", [], id="from-a-repository"),
    pytest.param(
        f"{WATCHED}, chart: {{spec: {{reconcileStrategy: Revision, sourceRef: {{kind: Bucket}}}}}}",
        [],
        id="by-revision",
    ),
    pytest.param(f"{WATCHED}, upgrade: {{disableWait: true}}", ["GOP-WAIT"], id="without-waiting"),
]


@pytest.mark.parametrize(("spec", "codes"), RELEASES)
def test_releases(spec: str, codes: list[str]) -> None:
    assert [code for code, _ in both(gitops.DETECTORS, read(RELEASE.format(spec=spec)))[0]] == codes


def customisation(spec: str) -> str:
    head = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: k, namespace: flux}"
    return f"{head}\nspec: {{{spec}}}"


CHECKS = "healthChecks: [{kind: Deployment, name: web}]"
KUSTOMIZATIONS = [
    pytest.param("wait: true", [], id="waits"),
    pytest.param(CHECKS, [], id="checks"),
    pytest.param("wait: false", ["/spec/wait"], id="neither"),
    pytest.param("", ["/spec"], id="nothing-said"),
    pytest.param(f"wait: true, {CHECKS}", ["/spec/healthChecks"], id="both"),
    pytest.param("suspend: true", [], id="suspended"),
]


@pytest.mark.parametrize(("spec", "fields"), KUSTOMIZATIONS)
def test_waiting(spec: str, fields: list[str]) -> None:
    assert both(gitops.DETECTORS, read(customisation(spec)))[0] == [("GOP-WAIT", field) for field in fields]


def test_the_tool_kustomizes_own_files_are_another_kind() -> None:
    assert both(gitops.DETECTORS, read("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization")) == ([], [])


SUBSTITUTES = [
    pytest.param("${TARGET}", "substitute: {STAGE: prod}", 1, 0, id="blanked"),
    pytest.param("${STAGE}", "substitute: {STAGE: prod}", 0, 0, id="substituted"),
    pytest.param("$${TARGET} $TARGET $(TARGET)", "substitute: {STAGE: prod}", 0, 0, id="escaped-or-not-braced"),
    pytest.param("${TARGET:-/data} ${TARGET:=x}", "substitute: {STAGE: prod}", 0, 0, id="default-of-its-own"),
    pytest.param("${TARGET%.*}", "substitute: {STAGE: prod}", 1, 0, id="an-operation"),
    pytest.param("${TARGET}", "", 0, 0, id="nothing-is-substituted"),
    pytest.param("${TARGET}", "substituteFrom: [{kind: Secret, name: x}]", 0, 1, id="unknown-source"),
    pytest.param("${TARGET}", "substituteFrom: [{kind: ConfigMap, name: vars}]", 0, 0, id="known-source"),
]


@pytest.mark.parametrize(("text", "build", "wanted", "unknown"), SUBSTITUTES)
def test_substitution(text: str, build: str, wanted: int, unknown: int) -> None:
    script = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: s}}\ndata: {{run.sh: 'echo {text}'}}"
    names = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars, namespace: flux}\ndata: {TARGET: x}"
    given = read(customisation(f"wait: true, postBuild: {{{build}}}"), script, names)
    found, reasons = both(gitops.DETECTORS, given)

    assert found == [("GOP-SUBSTITUTE", "/data/run.sh")] * wanted
    assert len(reasons) == unknown


def test_an_object_can_opt_out() -> None:
    script = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: s, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}
    data: {run.sh: 'echo ${TARGET}'}
    """

    assert both(gitops.DETECTORS, read(customisation("wait: true, postBuild: {substitute: {A: b}}"), script)) == (
        [],
        [],
    )
