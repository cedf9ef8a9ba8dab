"""What the API server answers a controller that may not make pods, in its own words."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.rollout.refusals import refused

HEAD = 'pods "indexer-6c6bc8745b-" is forbidden: '
# the server's message, code, cause
SAID = [
    (
        HEAD
        + "exceeded quota: small, requested: limits.memory=256Mi, used: limits.memory=0, limited: limits.memory=100Mi",
        "ROL-QUOTA",
        "quota small is used up: requested: limits.memory=256Mi, used: limits.memory=0, limited: limits.memory=100Mi",
    ),
    (
        HEAD + "failed quota: compute: must specify limits.cpu for: indexer; limits.memory for: indexer",
        "ROL-QUOTA",
        "quota compute counts what the pod does not state: limits.cpu for: indexer; limits.memory for: indexer",
    ),
    (
        HEAD + "maximum memory usage per Container is 128Mi, but limit is 256Mi",
        "ROL-QUOTA",
        "a LimitRange refuses them: maximum memory usage per Container is 128Mi, but limit is 256Mi",
    ),
    (
        'admission webhook "gate.example.org" denied the request: no team label',
        "ROL-WEBHOOK",
        "webhook gate.example.org refuses them: no team label",
    ),
    (
        'Internal error occurred: failed calling webhook "gate.example.org": failed to call webhook: Post '
        '"https://gate.ops.svc:443/?timeout=10s": service "gate" not found',
        "ROL-WEBHOOK",
        "webhook gate.example.org is asked about them and does not answer: failed to call webhook: Post "
        '"https://gate.ops.svc:443/?timeout=10s": service "gate" not found',
    ),
    (
        HEAD + 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "indexer")',
        "ROL-WEBHOOK",
        "the namespace allows pods of level restricted:latest only: allowPrivilegeEscalation != false "
        '(container "indexer")',
    ),
    (
        HEAD + 'error looking up service account vhm/worker: serviceaccount "worker" not found',
        "ROL-MISSING",
        "ServiceAccount worker does not exist",
    ),
]


@pytest.mark.parametrize(("message", "code", "cause"), SAID, ids=[code + cause[:30] for _, code, cause in SAID])
def test_the_servers_words_become_one_sentence(message: str, code: str, cause: str) -> None:
    found = refused("Deployment vhm/indexer", 0, 2, message, "look")

    assert (found.code, found.cause) == (code, f"0 of 2 pods are there: {cause}")
    assert found.evidence == message[:300]
    assert found.fix not in ("", "look")


def test_other_words_are_evidence_and_no_more() -> None:
    found = refused("Deployment vhm/indexer", 1, 2, "etcdserver: request timed out", "look")

    assert (found.code, found.cause, found.evidence, found.fix) == (
        "ROL-MISSING",
        "1 of 2 pods are there",
        "etcdserver: request timed out",
        "look",
    )
