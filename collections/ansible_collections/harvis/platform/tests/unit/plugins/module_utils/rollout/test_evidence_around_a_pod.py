"""The cause of a pod's trouble is often not in the pod: whole snapshots, judged as verification judges them."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.rollout.assess import Expected, assess
from ansible_collections.harvis.platform.plugins.module_utils.rollout.hope import may_pass
from ansible_collections.harvis.platform.plugins.module_utils.rollout.leaves import Leaves
from ansible_collections.harvis.platform.plugins.module_utils.rollout.sayings import Sayings
from ansible_collections.harvis.platform.plugins.module_utils.rollout.shortage import requests
from ansible_collections.harvis.platform.plugins.module_utils.rollout.snapshot import Snapshot
from ansible_collections.harvis.platform.plugins.module_utils.rollout.usage import Usage

POD = "vhm/indexer-6c6bc8745b-kl29h"
KEY = (POD, "indexer")
NEWER = "harvis.local/vhm-indexer:sha256-fedcba9876543210"
IMPORT = (
    "Traceback (most recent call last):\n"
    '  File "/app/workers/vhm_indexer/main.py", line 9, in <module>\n'
    "    from vhm_common_utils.broker import Publisher\n"
    "ImportError: cannot import name 'Publisher' from 'vhm_common_utils.broker' "
    "(/app/common/utils/vhm_common_utils/broker.py)"
)
MIB = 2**20


def found_in(snapshot: Snapshot, **expected: t.Any) -> list[Finding]:
    return [finding for proof in assess(snapshot, Expected(**expected)) for finding in proof.findings]


def heals(snapshot: Snapshot, **expected: t.Any) -> bool:
    return not may_pass(assess(snapshot, Expected(**expected)), snapshot)[1]


def test_a_workload_that_nobody_deployed_is_not_waited_for(make: t.Any) -> None:
    expected = {"images": {"vhm/indexer": {"indexer": "x:1"}}}
    gone, awaited = make.snapshot(pods=[], workloads=[]), make.snapshot(pods=[])

    assert may_pass(assess(gone, Expected(**expected)), gone) == (False, True)
    assert may_pass(assess(awaited, Expected(**expected)), awaited) == (True, False)
    assert may_pass(assess(awaited, Expected()), awaited) == (True, False)


def crashed(make: t.Any, **ended: t.Any) -> t.Any:
    last = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-03-01T12:00:40Z", **ended}}
    return make.pod(make.waiting("CrashLoopBackOff", "back-off 40s", restartCount=2, lastState=last))


def template(make: t.Any) -> t.Any:
    containers = [{"name": "other"}, {"name": "indexer"}]
    return make.workload(spec={"replicas": 1, "template": {"spec": {"containers": containers}}})


# --- imports ----------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F22", code="ROL-IMPORT", when="after deploy")
@pytest.mark.parametrize(
    ("images", "changes", "words"),
    [
        ({}, {}, "vhm_common_utils.broker has no Publisher"),
        (
            {"vhm/indexer": {"indexer": NEWER}},
            {"harvis.local/vhm-indexer:sha256-0123456789abcdef": ["common/broker.py"]},
            "vhm_common_utils.broker has no Publisher: its image is older than today's sources (common/broker.py)",
        ),
        (
            {"vhm/indexer": {"indexer": NEWER}},
            {},
            "vhm_common_utils.broker has no Publisher: its image is older than today's sources "
            f"(harvis.local/vhm-indexer:sha256-0123456789abcdef, they make {NEWER})",
        ),
        (
            {"vhm/indexer": {"indexer": "harvis.local/vhm-indexer:sha256-0123456789abcdef"}},
            {},
            "vhm_common_utils.broker has no Publisher, and its image is that of today's sources: they lack it as well",
        ),
    ],
)
def test_an_import_that_fails_is_held_against_the_sources(
    make: t.Any, images: dict[str, t.Any], changes: dict[str, t.Any], words: str
) -> None:
    snapshot = make.snapshot(crashed(make), sayings=Sayings({KEY: IMPORT}))

    [finding] = [f for f in found_in(snapshot, images=images, changes=changes) if f.code == "ROL-IMPORT"]

    assert (finding.subject, finding.cause) == (f"{POD} indexer", words)
    assert finding.evidence.startswith("ImportError: cannot import name 'Publisher'")
    assert not heals(snapshot)


def test_a_crash_for_want_of_a_topic_keeps_its_exit_code_and_may_heal(make: t.Any) -> None:
    snapshot = make.snapshot(crashed(make), sayings=Sayings({KEY: "topics that do not exist: vhm.a"}))

    [finding] = found_in(snapshot)

    assert finding.code == "KFK-TOPIC"
    assert finding.cause == "topics are missing: vhm.a; it ends with exit code 1 (an error of its own), 2 restarts"
    assert heals(snapshot)


@pytest.mark.parametrize(
    ("code", "restarts", "healing"), [(1, 2, True), (1, 5, False), (78, 1, False), (127, 1, False)]
)
def test_a_crash_that_comes_again_and_again_is_not_waited_for(
    make: t.Any, code: int, restarts: int, healing: bool
) -> None:
    pod = crashed(make, exitCode=code)
    pod["status"]["containerStatuses"][0]["restartCount"] = restarts

    assert heals(make.snapshot(pod)) is healing


# --- memory and CPU ---------------------------------------------------------------------------------------------------


def test_a_memory_kill_names_limit_peak_and_the_value_to_change(make: t.Any, tmp_path: Path) -> None:
    audit = tmp_path / "harvis.json"
    field = "vhm/Deployment/indexer:/spec/template/spec/containers/1/resources/limits/memory"
    audit.write_text(json.dumps({"effects": {"workers.indexer.resources.limits.memory": [field]}}))
    snapshot = make.snapshot(
        crashed(make, exitCode=137, reason="OOMKilled"),
        workloads=[template(make)],
        sayings=Sayings(usages={KEY: Usage(peak=255 * MIB)}),
    )

    [finding] = found_in(snapshot, leaves=Leaves.read([str(audit), str(tmp_path / "none.json")]))

    assert finding.code == "ROL-MEMORY"
    assert finding.evidence == "limit 256Mi, at most 255Mi seen in use"
    assert "Raise the value workers.indexer.resources.limits.memory" in finding.fix


@pytest.mark.fault("F64", code="ROL-CHILD", when="after deploy", by="recorded cluster")
def test_a_child_that_was_killed_is_no_restart_and_still_seen(make: t.Any) -> None:
    snapshot = make.snapshot(make.pod(), sayings=Sayings(usages={KEY: Usage(peak=256 * MIB, kills=2)}))

    [finding] = found_in(snapshot)

    assert finding.code == "ROL-CHILD"
    assert finding.cause.startswith("the kernel killed a process inside it for memory 2 times")
    assert finding.evidence == "limit 256Mi, at most 256Mi used"


@pytest.mark.fault("F65", code="ROL-THROTTLE", when="after deploy", by="recorded cluster")
def test_a_ready_pod_that_is_held_back_is_told_and_passes(make: t.Any) -> None:
    snapshot = make.snapshot(make.pod(), sayings=Sayings(usages={KEY: Usage(periods=1000, throttled=800)}))

    [proof] = [proof for proof in assess(snapshot, Expected()) if proof.findings]

    assert [finding.code for finding in proof.findings] == ["ROL-THROTTLE"]
    assert "holds it back in 80 % of the time" in proof.row.evidence
    assert proof.row.passed


@pytest.mark.fault("F65", code="ROL-THROTTLE", when="after deploy", by="recorded cluster")
def test_a_program_that_cannot_answer_its_probe_for_want_of_cpu(make: t.Any) -> None:
    pod = crashed(make, exitCode=137)
    pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "50m"
    snapshot = make.snapshot(pod, sayings=Sayings(usages={KEY: Usage(periods=1000, throttled=990)}))

    [finding] = found_in(snapshot)

    assert finding.code == "ROL-THROTTLE"
    assert finding.cause.startswith("its CPU limit 50m keeps it from answering its probe in time; it ends with")


@pytest.mark.parametrize("usage", [Usage(periods=100, throttled=100), Usage(periods=1000, throttled=400), Usage()])
def test_a_start_and_a_busy_moment_are_not_throttling(make: t.Any, usage: Usage) -> None:
    assert found_in(make.snapshot(make.pod(), sayings=Sayings(usages={KEY: usage}))) == []


@pytest.mark.fault("F63", code="ROL-CRASH", when="after deploy", by="recorded cluster")
def test_a_container_that_its_probe_kills_did_not_crash(make: t.Any) -> None:
    refused = 'Liveness probe failed: Get "http://10.244.0.7:8000/health": dial tcp: connect: connection refused'
    events = [
        make.event("Killing", "Container indexer failed liveness probe, will be restarted"),
        make.event("Unhealthy", refused, at="2026-03-01T12:00:59Z"),
    ]
    snapshot = make.snapshot(crashed(make, exitCode=137), events=events)

    [finding] = found_in(snapshot)

    assert finding.code == "ROL-CRASH"
    assert finding.cause.startswith(
        "the kubelet ends it because it fails its liveness probe; it ends with exit code 137"
    )
    assert finding.evidence == refused
    assert "startupProbe" in finding.fix


# --- images -----------------------------------------------------------------------------------------------------------


def unpulled(make: t.Any) -> t.Any:
    return make.pod(make.waiting("ErrImageNeverPull", "Container image is not present with pull policy of Never"))


@pytest.mark.fault("F16", code="ROL-IMAGE", when="after deploy", by="recorded cluster")
def test_an_image_that_was_left_on_another_daemon(make: t.Any) -> None:
    node = make.node()
    names = ["docker.io/library/busybox:1", "harvis.local/vhm-indexer:sha256-1111111111111111"]
    node["status"]["images"] = [{"names": [name], "sizeBytes": 1} for name in names]
    snapshot = make.snapshot(unpulled(make), nodes=[node])

    [finding] = found_in(snapshot)

    assert finding.code == "ROL-IMAGE"
    assert finding.cause.endswith(
        "node node has harvis.local/vhm-indexer:sha256-1111111111111111 instead: the newer image was left on another "
        "daemon"
    )
    assert not heals(snapshot)


@pytest.mark.fault("F21", code="IMG-GONE", when="after deploy", by="recorded cluster")
def test_an_image_that_the_kubelet_removed(make: t.Any) -> None:
    event = {"reason": "FreeDiskSpaceFailed", "involvedObject": {"kind": "Node", "name": "node"}, "metadata": {}}

    [finding] = found_in(make.snapshot(unpulled(make), node_events=[event]))

    assert finding.code == "IMG-GONE"
    assert "node node ran short of disk space" in finding.cause


# --- where a pod can run ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "healing"), [("3Gi", True), ("8Gi", False)])
def test_what_is_short_is_said_in_numbers(make: t.Any, asked: str, healing: bool) -> None:
    waiting = make.unscheduled("0/1 nodes are available: 1 Insufficient memory.")
    waiting["spec"]["containers"][0]["resources"] = {"requests": {"memory": asked}}
    other = make.pod(name="other")
    other["spec"]["containers"][0]["resources"] = {"requests": {"memory": "2Gi"}}
    other["metadata"]["namespace"] = "kube-system"
    snapshot = make.snapshot(waiting, system_pods=[other], workloads=[])

    [finding] = found_in(snapshot)

    assert finding.code == "ROL-SCHEDULE"
    assert finding.evidence == f"node has 2048Mi of 4096Mi memory left, {int(asked[0]) * 1024}Mi is asked for"
    assert heals(snapshot) is healing


def test_what_a_pod_asks_for_is_the_sum_of_its_containers_or_its_largest_beginning(make: t.Any) -> None:
    pod = make.pod()
    pod["spec"]["containers"] = [
        {"name": "a", "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "2"}}},
        {"name": "b", "resources": {"limits": {"cpu": "500m", "nvidia.com/gpu": "1"}}},
        {"name": "c"},
    ]
    pod["spec"]["initContainers"] = [{"name": "i", "resources": {"requests": {"cpu": "100m", "memory": "3Gi"}}}]

    assert {name: float(amount) for name, amount in requests(pod).items()} == {
        "cpu": 0.75,
        "memory": 3 * 1024**3,
        "nvidia.com/gpu": 1,
    }


def test_a_claim_that_nobody_fills_says_what_it_waits_for(make: t.Any) -> None:
    waiting = make.unscheduled("pod has unbound immediate PersistentVolumeClaims. not eligible")
    waiting["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "models"}}]
    claim = {
        "metadata": {"name": "models", "namespace": "vhm", "uid": "uid-models"},
        "spec": {"resources": {"requests": {"storage": "50Gi"}}, "storageClassName": "fast"},
        "status": {"phase": "Pending"},
    }
    event = make.event("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found', uid="uid-models")

    other = {**claim, "metadata": {"name": "of-another", "namespace": "vhm", "uid": "uid-other"}}

    [finding] = found_in(make.snapshot(waiting, claims=[claim, other], events=[event], workloads=[]))

    assert finding.code == "ROL-VOLUME"
    assert finding.evidence == (
        'claim vhm/models (50Gi, class fast) is Pending: storageclass.storage.k8s.io "fast" not found'
    )


@pytest.mark.parametrize(
    ("kind", "short"),
    [("DiskPressure", "disk space"), ("MemoryPressure", "memory"), ("PIDPressure", "process numbers")],
)
def test_a_node_under_pressure_is_told(make: t.Any, kind: str, short: str) -> None:
    node = make.node()
    node["status"]["conditions"].append({"type": kind, "status": "True", "message": "the kubelet's words"})

    [finding] = found_in(make.snapshot(nodes=[node]))

    assert (finding.code, finding.subject) == ("ROL-PRESSURE", "Node node")
    assert (short in finding.cause, finding.evidence) == (True, "the kubelet's words")


# --- what a running program waits for ---------------------------------------------------------------------------------


def test_an_init_container_that_does_not_end_says_why(make: t.Any) -> None:
    begun = {"running": {"startedAt": "2026-03-01T12:00:03Z"}}
    pod = make.pod(
        make.waiting("PodInitializing"),
        phase="Pending",
        initContainerStatuses=[make.state(name="model", ready=False, state=begun)],
    )
    stuck = make.snapshot(pod, sayings=Sayings({(POD, "model"): "pulling manifest\nstill waiting for the model\n"}))
    named = make.snapshot(
        pod, sayings=Sayings({(POD, "model"): "dial tcp: lookup models on 10.96.0.10:53: no such host"})
    )

    [held] = found_in(stuck)
    [explained] = found_in(named)

    assert (held.code, held.subject, held.evidence) == ("ROL-INIT", f"{POD} model", "still waiting for the model")
    assert (explained.code, explained.cause) == ("NET-DNS", "there is no name models")


def test_a_sidecar_holds_nothing_back(make: t.Any) -> None:
    pod = make.pod(make.waiting("PodInitializing"), initContainerStatuses=[make.state(name="proxy")])
    pod["spec"]["initContainers"] = [{"name": "proxy", "restartPolicy": "Always"}]

    assert [finding.code for finding in found_in(make.snapshot(pod))] == ["ROL-TIMEOUT"]


def test_the_probes_own_answer_is_the_evidence(make: t.Any) -> None:
    pod = make.pod(make.state(ready=False))
    answer = "it answers 503: assignment: the consumer group has not assigned this worker yet"

    [finding] = found_in(make.snapshot(pod, sayings=Sayings(answers={KEY: answer})))

    assert (finding.code, finding.cause) == ("ROL-PROBE", f"runs and does not pass its probe: {answer}")


def test_a_readiness_answer_that_names_a_cause_is_that_cause(make: t.Any) -> None:
    pod = make.pod(make.state(ready=False))
    answer = "it answers 503: broker: topics that do not exist: vhm.interactions"

    [finding] = found_in(make.snapshot(pod, sayings=Sayings(answers={KEY: answer})))

    assert (finding.code, finding.cause) == ("KFK-TOPIC", "topics are missing: vhm.interactions")


@pytest.mark.parametrize(
    ("log", "codes"), [("x: Broker: Unknown topic or partition\n" * 2, ["KFK-TOPIC"]), (f"{IMPORT}\n{IMPORT}", [])]
)
def test_a_ready_pod_that_complains_all_the_time_is_not_well(make: t.Any, log: str, codes: list[str]) -> None:
    assert [f.code for f in found_in(make.snapshot(make.pod(), sayings=Sayings({KEY: log})))] == codes


# --- neighbours -------------------------------------------------------------------------------------------------------


def service(target: t.Any = 6333, selector: dict[str, str] | None = None) -> dict[str, t.Any]:
    spec = {"selector": selector or {"app": "qdrant"}, "ports": [{"port": 6333, "targetPort": target}]}
    return {"metadata": {"name": "qdrant", "namespace": "vhm"}, "spec": spec}


def qdrant(make: t.Any, *states: t.Any) -> t.Any:
    pod = make.pod(*states, name="qdrant-0", podIP="10.244.0.9")
    pod["metadata"] |= {"labels": {"app": "qdrant"}, "ownerReferences": []}
    pod["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 6333}]
    return pod


def endpoints(ready: bool | None) -> dict[str, t.Any]:
    labels = {"kubernetes.io/service-name": "qdrant"}
    endpoint = {"addresses": ["10.244.0.9"], "conditions": {} if ready is None else {"ready": ready}}
    return {"metadata": {"namespace": "vhm", "labels": labels}, "endpoints": [endpoint]}


@pytest.mark.fault("F67", code="NET-ENDPOINT", when="after deploy", by="recorded cluster")
@pytest.mark.fault("F69", code="NET-ENDPOINT", when="after deploy", by="recorded cluster")
@pytest.mark.parametrize(
    ("state", "target", "selector", "slices", "cause"),
    [
        ({}, 6333, None, [endpoints(None)], None),
        ({}, 6333, None, [endpoints(True)], None),
        ({}, 6333, {"app": "qdrnat"}, [], "no pod has the labels that it selects (app=qdrnat)"),
        ({"ready": False}, 6333, None, [endpoints(False)], "none of the 1 pods that it selects is ready"),
        ({}, "web", None, [], "no container of its pods has the port web"),
        ({}, "http", None, [], "1 pods that it selects are ready, and no endpoint was made of them"),
    ],
)
def test_a_service_that_leads_nowhere_says_why(
    make: t.Any, state: dict[str, t.Any], target: t.Any, selector: t.Any, slices: list[t.Any], cause: str | None
) -> None:
    pod = qdrant(make, make.state(**state))
    snapshot = make.snapshot(pod, workloads=[], services=[service(target, selector)], slices=slices)

    found = [finding.cause for finding in found_in(snapshot) if finding.code == "NET-ENDPOINT"]

    assert found == ([cause] if cause else [])


def test_a_service_that_somebody_else_leads_is_not_judged(make: t.Any) -> None:
    led = {"metadata": {"name": "outside", "namespace": "vhm"}, "spec": {"ports": []}}

    assert found_in(make.snapshot(services=[led])) == []


def policy(**spec: t.Any) -> dict[str, t.Any]:
    return {"metadata": {"name": "closed", "namespace": "vhm"}, "spec": {"podSelector": {}, **spec}}


TIMED_OUT = "http://qdrant:6333/collections: ConnectTimeout: timed out"
FROM_BACKEND = [{"podSelector": {"matchLabels": {"app": "backend"}}}]
FROM_INDEXER = [{"podSelector": {"matchLabels": {"app": "indexer"}}}]
ANYWHERE = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "vhm"}}}]
ELSEWHERE = [{"namespaceSelector": {"matchLabels": {"team": "other"}}}]


@pytest.mark.parametrize(
    ("spec", "closed"),
    [
        ({"policyTypes": ["Ingress"]}, True),
        ({"ingress": [{}]}, False),
        ({"ingress": [{"from": FROM_BACKEND}]}, True),
        ({"ingress": [{"from": FROM_INDEXER}]}, False),
        ({"ingress": [{"from": FROM_INDEXER, "ports": [{"port": 6334}]}]}, True),
        ({"ingress": [{"from": FROM_INDEXER, "ports": [{"port": "http"}]}]}, False),
        ({"ingress": [{"from": FROM_INDEXER, "ports": [{"port": 6000, "endPort": 7000}]}]}, False),
        ({"ingress": [{"from": ANYWHERE}]}, False),
        ({"ingress": [{"from": ELSEWHERE}]}, True),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.244.0.0/16"}}]}]}, False),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.0.7/32"]}}]}]}, True),
        ({"policyTypes": ["Egress"]}, True),
        ({"policyTypes": ["Egress"], "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "qdrant"}}}]}]}, False),
        ({"policyTypes": ["Egress"], "egress": [{"ports": [{"port": "http"}]}]}, False),
        ({"podSelector": {"matchLabels": {"app": "other"}}, "policyTypes": ["Ingress", "Egress"]}, False),
        ({"podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]}}, True),
    ],
)
def test_a_policy_that_closes_the_way_is_named(make: t.Any, spec: dict[str, t.Any], closed: bool) -> None:
    waiting = make.pod(make.state(ready=False), podIP="10.244.0.7")
    waiting["metadata"]["labels"] = {"app": "indexer"}
    snapshot = make.snapshot(
        waiting,
        qdrant(make),
        workloads=[],
        services=[service()],
        slices=[endpoints(True)],
        policies=[policy(**spec)],
        sayings=Sayings({KEY: TIMED_OUT}, {KEY: "it answers 503"}),
    )

    [finding] = found_in(snapshot)

    assert finding.code == ("NET-POLICY" if closed else "VEC-REFUSED")
    if closed:
        assert "closed" in finding.evidence
        assert TIMED_OUT in finding.evidence
        assert not heals(snapshot)


@pytest.mark.parametrize(("ports", "code"), [([{"port": 443}], "NET-POLICY"), ([{"port": 53}], "NET-DNS")])
def test_names_that_a_policy_hides(make: t.Any, ports: list[t.Any], code: str) -> None:
    waiting = make.pod(make.state(ready=False))
    snapshot = make.snapshot(
        waiting,
        policies=[policy(policyTypes=["Egress"], egress=[{"ports": ports}])],
        sayings=Sayings({KEY: "Temporary failure in name resolution"}, {KEY: "it answers 503"}),
    )

    assert [finding.code for finding in found_in(snapshot)] == [code]


# --- revisions --------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F59", code="ROL-REVISION", when="after deploy")
@pytest.mark.parametrize(
    ("generation", "status", "cause"),
    [
        (2, {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}, None),
        (3, {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}, "has not seen the latest change yet"),
        (2, {"observedGeneration": 2, "replicas": 1}, "0 of 1 pods are of the newest revision"),
        (2, {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1}, "1 pod of an older revision still runs"),
    ],
)
def test_pods_of_an_older_revision_do_not_count(
    make: t.Any, generation: int, status: dict[str, int], cause: str | None
) -> None:
    workload = make.workload(status=status)
    workload["metadata"]["generation"] = generation
    # The old image may stay for so long as its pods are being replaced.
    expected = {"images": {"vhm/indexer": {"indexer": NEWER}}}
    snapshot = make.snapshot(workloads=[workload])

    found = [f.cause for f in found_in(snapshot, **expected) if f.code == "ROL-REVISION"]

    assert [cause in one for one in found] == ([True] if cause else [])  # type: ignore[operator]
    assert heals(snapshot, **expected) is bool(cause)
