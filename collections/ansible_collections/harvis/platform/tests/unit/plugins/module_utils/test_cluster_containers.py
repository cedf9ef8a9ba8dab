"""Which pod a process runs in."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.cluster.containers import pod_of
from ansible_collections.harvis.platform.plugins.module_utils.service.proc import Process

BROKER = Process(7, "/opt/java/bin/java", ("java",), 1, "T")


@pytest.mark.parametrize(
    ("environment", "pod"),
    [
        (b"PASSWORD=hush\0HOSTNAME=kafka-0\0OLD_HOSTNAME=other\0", "kafka-0"),
        (b"PASSWORD=hush\0", ""),
    ],
)
def test_the_pod_is_told_and_nothing_else_of_the_environment(tmp_path: Path, environment: bytes, pod: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "environ").write_bytes(environment)

    assert pod_of(BROKER, tmp_path) == pod


def test_a_process_that_is_gone_or_may_not_be_read_has_no_pod(tmp_path: Path) -> None:
    assert pod_of(BROKER, tmp_path) == ""
