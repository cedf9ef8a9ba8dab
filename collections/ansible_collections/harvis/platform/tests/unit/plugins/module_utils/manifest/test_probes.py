"""PRB-NEVERFAILS, PRB-STATUS, PRB-SLOWSTART and PRB-SAME."""

from __future__ import annotations

import json

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks import probe_commands, probes
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    deployment,
    found,
    subject,
)

COMMANDS = [
    (["bash", "-c", "ollama", "pull", "llama3"], "PRB-NEVERFAILS"),
    (["sh", "-c", "pg_isready || true"], "PRB-NEVERFAILS"),
    (["/bin/true"], "PRB-NEVERFAILS"),
    (["echo", "ok"], "PRB-NEVERFAILS"),
    (["sh", "-c", 'pg_isready "$@"', "--", "-U", "shop"], ""),
    (["sh", "-c", "pg_isready -U shop", "probe"], ""),
    (["pg_isready"], ""),
    (["sh", "/probe.sh"], ""),
    (["curl", "http://127.0.0.1/health"], "PRB-STATUS"),
    (["sh", "-c", "test -f /x && curl -so /dev/null https://127.0.0.1/health"], "PRB-STATUS"),
    (["curl", "-o", "f", "-of", "http://127.0.0.1"], "PRB-STATUS"),
    (["curl", "-sSf", "http://127.0.0.1"], ""),
    (["curl", "-fo", "/dev/null", "http://127.0.0.1"], ""),
    (["curl", "--fail", "http://127.0.0.1"], ""),
    (["sh", "-c", "curl -s http://127.0.0.1 | grep ok"], ""),
    (["curl", "telnet://127.0.0.1:25"], ""),
    (["wget", "-q", "http://127.0.0.1"], ""),
]


@pytest.mark.parametrize(("command", "code"), COMMANDS)
@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probe_commands(probe: str, command: list[str], code: str) -> None:
    given = subject(deployment(f"{probe}: {{exec: {{command: {json.dumps(command)}}}}}"))
    field = f"/spec/template/spec/containers/0/{probe}/exec/command"

    assert found(probe_commands.DETECTORS, given) == ([(code, field)] if code else [])


VLLM = "vllm/vllm-openai:v0.11.0"
LIVE = "livenessProbe: {httpGet: {path: /health, port: 80}, %s}"
STARTS = [
    pytest.param(LIVE % "periodSeconds: 10", VLLM, "", ["livenessProbe"], id="no-startup-probe"),
    pytest.param(LIVE % "initialDelaySeconds: 600", VLLM, "", [], id="a-long-delay"),
    pytest.param(LIVE % "failureThreshold: 12", VLLM, "", [], id="two-minutes-are-enough"),
    pytest.param(LIVE % "failureThreshold: 11", VLLM, "", ["livenessProbe"], id="less-than-two-minutes"),
    pytest.param(LIVE % "failureThreshold: 3", "example.com/web:1", "", [], id="a-server-that-nobody-knows"),
    pytest.param(
        LIVE % "failureThreshold: 3", "example.com/x:1", "args: [vllm serve x]", ["livenessProbe"], id="by-command"
    ),
    pytest.param(LIVE % "a: 1", VLLM, "startupProbe: {tcpSocket: {port: 80}, failureThreshold: 60}", [], id="startup"),
    pytest.param(LIVE % "a: 1", VLLM, "startupProbe: {tcpSocket: {port: 80}}", ["startupProbe"], id="short-startup"),
    pytest.param("", VLLM, "", [], id="no-probe-kills-nothing"),
]


@pytest.mark.parametrize(("container", "image", "more", "wanted"), STARTS)
def test_slow_starts(container: str, image: str, more: str, wanted: list[str]) -> None:
    given = subject(deployment(f"{container}\n{more}", image=image))

    assert found(probes.DETECTORS, given) == [
        ("PRB-SLOWSTART", f"/spec/template/spec/containers/0/{probe}") for probe in wanted
    ]


DELAYS = [
    pytest.param("{tcpSocket: {port: 9}}", "{tcpSocket: {port: 9}, initialDelaySeconds: 31}", True, id="killed-before"),
    pytest.param("{tcpSocket: {port: 9}}", "{tcpSocket: {port: 9}, initialDelaySeconds: 30}", False, id="just-in-time"),
    pytest.param(
        "{tcpSocket: {port: 9}}", "{tcpSocket: {port: 8}, initialDelaySeconds: 99}", False, id="other-question"
    ),
]


@pytest.mark.parametrize(("liveness", "readiness", "wanted"), DELAYS)
def test_a_readiness_delay_beyond_livenesss_patience(liveness: str, readiness: str, wanted: bool) -> None:
    given = subject(deployment(f"livenessProbe: {liveness}\nreadinessProbe: {readiness}"))

    assert [code for code, _ in found(probes.DETECTORS, given)] == ["PRB-SLOWSTART"] * wanted


SAME = [
    pytest.param("httpGet: {path: /health, port: 80}", "httpGet: {port: 80, path: /health}", True, id="same"),
    pytest.param("httpGet: {path: /health, port: 80}", "httpGet: {path: /ready, port: 80}", False, id="other-path"),
    pytest.param("httpGet: {path: /health, port: 80}", "httpGet: {path: /health, port: 81}", False, id="other-port"),
    pytest.param("httpGet: {path: /, port: 80}", "httpGet: {path: /, port: 80}", False, id="the-only-page"),
    pytest.param("tcpSocket: {port: 80}", "tcpSocket: {port: 80}", False, id="no-path"),
]


@pytest.mark.parametrize(("liveness", "readiness", "wanted"), SAME)
def test_readiness_that_asks_what_liveness_asks(liveness: str, readiness: str, wanted: bool) -> None:
    given = subject(deployment(f"livenessProbe: {{{liveness}}}\nreadinessProbe: {{{readiness}}}"))

    assert [code for code, _ in found(probes.DETECTORS, given)] == ["PRB-SAME"] * wanted
