"""Why a pod is not ready, from what the kubelet and the scheduler really write."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.rollout.causes import why_not_ready

POD = "vhm/indexer-6c6bc8745b-kl29h"
CONTAINER = f"{POD} indexer"


def crashed(make: t.Any, **ended: t.Any) -> t.Any:
    last = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-03-01T12:00:40Z", **ended}}
    message = "back-off 40s restarting failed container=indexer pod=indexer-6c6bc8745b-kl29h_vhm(uid)"
    return make.pod(make.waiting("CrashLoopBackOff", message, restartCount=4, lastState=last))


def unready(make: t.Any) -> t.Any:
    return make.pod(make.state(ready=False))


def creating(make: t.Any) -> t.Any:
    return make.pod(make.waiting("ContainerCreating"), phase="Pending")


@dataclass(frozen=True)
class Case:
    name: str
    pod: t.Callable[[t.Any], t.Any]
    code: str
    subject: str
    cause: str
    evidence: str = ""
    events: tuple[tuple[str, str], ...] = ()
    node: str = "True"


MOUNT = 'MountVolume.SetUp failed for volume "config" : configmap "vhm-config" not found'
SANDBOX = 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to find plugin "bridge" in path'
PROBE = "Readiness probe failed: HTTP probe failed with statuscode: 503"
PULL = 'Back-off pulling image "harvis.local/vhm-indexer:sha256-0123456789abcdef"'
CASES = [
    Case(
        "image not pulled",
        lambda m: m.pod(m.waiting("ImagePullBackOff", PULL)),
        "ROL-IMAGE",
        CONTAINER,
        "image harvis.local/vhm-indexer:sha256-0123456789abcdef cannot be had: ImagePullBackOff",
        PULL,
    ),
    Case(
        "image never delivered",
        lambda m: m.pod(m.waiting("ErrImageNeverPull", "Container image is not present with pull policy of Never")),
        "ROL-IMAGE",
        CONTAINER,
        "image harvis.local/vhm-indexer:sha256-0123456789abcdef cannot be had: ErrImageNeverPull",
        "Container image is not present with pull policy of Never",
    ),
    Case(
        "key missing",
        lambda m: m.pod(
            m.waiting("CreateContainerConfigError", "couldn't find key QDRANT_URL in ConfigMap vhm/vhm-config")
        ),
        "ROL-CONFIG",
        CONTAINER,
        "key QDRANT_URL of ConfigMap vhm/vhm-config is missing",
        "couldn't find key QDRANT_URL in ConfigMap vhm/vhm-config",
    ),
    Case(
        "no such command",
        lambda m: m.pod(m.waiting("RunContainerError", 'exec: "pyhton": executable file not found in $PATH')),
        "ROL-CONFIG",
        CONTAINER,
        "the container cannot be created: RunContainerError",
        'exec: "pyhton": executable file not found in $PATH',
    ),
    Case(
        "crash loop",
        lambda m: crashed(m, message="Traceback…\nKafkaException: no broker\n"),
        "ROL-CRASH",
        CONTAINER,
        "ends with exit code 1 (an error of its own), 4 restarts",
        "KafkaException: no broker",
    ),
    Case(
        "configuration refused",
        lambda m: crashed(m, exitCode=78),
        "ROL-CRASH",
        CONTAINER,
        "ends with exit code 78 (a configuration value that it refuses (its log names the variable)), 4 restarts",
    ),
    Case(
        "runtime's reason",
        lambda m: crashed(m, exitCode=128, reason="StartError"),
        "ROL-CRASH",
        CONTAINER,
        "ends with exit code 128 (its command cannot be started, StartError), 4 restarts",
    ),
    Case(
        "out of memory",
        lambda m: crashed(m, exitCode=137, reason="OOMKilled"),
        "ROL-MEMORY",
        CONTAINER,
        "killed for its memory (OOMKilled), 4 restarts",
        "limit 256Mi",
    ),
    Case(
        "just ended",
        lambda m: m.pod(m.state(ready=False, state={"terminated": {"exitCode": 127, "reason": "Error"}})),
        "ROL-CRASH",
        CONTAINER,
        "ends with exit code 127 (its command was not found), 0 restarts",
    ),
    Case(
        "init container crashes",
        lambda m: m.pod(
            m.waiting("PodInitializing"),
            initContainerStatuses=[
                m.waiting("CrashLoopBackOff", name="model", restartCount=2, lastState={"terminated": {"exitCode": 2}})
            ],
        ),
        "ROL-CRASH",
        f"{POD} model",
        "ends with exit code 2, 2 restarts",
    ),
    Case(
        "no memory on the node",
        lambda m: m.unscheduled("0/1 nodes are available: 1 Insufficient memory."),
        "ROL-SCHEDULE",
        POD,
        "no node takes it: 0/1 nodes are available: 1 Insufficient memory.",
    ),
    Case(
        "claim unbound",
        lambda m: m.unscheduled("pod has unbound immediate PersistentVolumeClaims. not eligible"),
        "ROL-VOLUME",
        POD,
        "waits for its volume: pod has unbound immediate PersistentVolumeClaims. not eligible",
    ),
    Case(
        "volume not mounted",
        creating,
        "ROL-VOLUME",
        POD,
        "a volume cannot be mounted: ConfigMap vhm-config does not exist",
        MOUNT,
        events=(("Scheduled", "assigned"), ("FailedMount", MOUNT)),
    ),
    Case(
        "no sandbox",
        creating,
        "ROL-SANDBOX",
        POD,
        "the node cannot set up the pod's sandbox",
        SANDBOX,
        events=(("FailedCreatePodSandBox", SANDBOX),),
    ),
    Case("still creating", creating, "ROL-TIMEOUT", POD, "is not ready yet: indexer: ContainerCreating"),
    Case(
        "probe fails",
        unready,
        "ROL-PROBE",
        CONTAINER,
        "runs and does not pass its probe",
        PROBE,
        events=(("Unhealthy", PROBE),),
    ),
    Case("probe not yet run", unready, "ROL-TIMEOUT", POD, "is not ready yet: indexer: not ready"),
    Case(
        "node away",
        unready,
        "ROL-NODE",
        POD,
        "its node node is not ready: Kubelet stopped posting node status.",
        node="Unknown",
    ),
    Case(
        "evicted",
        lambda m: m.pod(phase="Failed", reason="Evicted", message="The node was low on resource: ephemeral-storage."),
        "ROL-EVICTED",
        POD,
        "evicted: The node was low on resource: ephemeral-storage.",
    ),
    Case(
        "failed for good",
        lambda m: m.pod(m.state(ready=False, state={"terminated": {"exitCode": 3}}), phase="Failed"),
        "ROL-CRASH",
        CONTAINER,
        "ends with exit code 3, 0 restarts",
    ),
    Case(
        "failed without a container",
        lambda m: m.pod(phase="Failed", containerStatuses=[], reason="UnexpectedAdmissionError", message="no device"),
        "ROL-CRASH",
        POD,
        "the pod failed: no device",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_cause_is_named_with_its_evidence_and_a_fix(make: t.Any, case: Case) -> None:
    events = [make.event(*event) for event in case.events]

    found = why_not_ready(case.pod(make), events, [make.node(case.node)])

    assert (found.code, found.subject, found.cause, found.evidence) == (
        case.code,
        case.subject,
        case.cause,
        case.evidence,
    )
    assert found.fix


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("1 Insufficient nvidia.com/gpu.", "gpu_plugin_shares"),
        ("1 Insufficient cpu.", "Lower the requests"),
        ("1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }.", "Remove the taint"),
        ("1 node(s) didn't match Pod's node affinity/selector.", "selectors"),
    ],
)
def test_what_the_scheduler_says_decides_the_fix(make: t.Any, message: str, words: str) -> None:
    assert words in why_not_ready(make.unscheduled(message), [], [make.node()]).fix


def test_events_of_other_pods_and_older_ones_do_not_count(make: t.Any) -> None:
    events = [
        make.event("Unhealthy", "old", at="2026-03-01T12:00:10Z"),
        make.event("Unhealthy", "new", at="2026-03-01T12:05:00Z"),
        make.event("Unhealthy", "of another", uid="uid-other", at="2026-03-01T12:06:00Z"),
    ]

    assert why_not_ready(unready(make), events, [make.node()]).evidence == "new"
