from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.build_log import explain_failure, instruction_line

DOCKERFILE = """ARG BASE
FROM ${BASE} AS a
# installs
RUN apt-get update && \\
    # a comment in between
    apt-get install --yes nonsense
COPY a /a
COPY a /a
"""

# As Docker 20.10 prints it.
OLD_RUN = """#5 [2/3] RUN apt-get update &&     apt-get install --yes nonsense
#5 sha256:dda72533f8cc
#5 0.242 E: Unable to locate package nonsense
#5 ERROR: executor failed running [/bin/sh -c apt-get update &&     apt-get install]: exit code: 100
------
 > [2/3] RUN apt-get update &&     apt-get install --yes nonsense:
#5 0.242 E: Unable to locate package nonsense
------
executor failed running [/bin/sh -c apt-get update &&     apt-get install --yes nonsense]: exit code: 100
"""
OLD_PARSE = """#2 DONE 0.0s
failed to solve with frontend dockerfile.v0: failed to create LLB definition: \
dockerfile parse error line 1: unknown instruction: FRM
"""
# As buildx prints it.
NEW_RUN = """#5 ERROR: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3
------
 > [stage-1 2/2] RUN exit 3:
------
Dockerfile:7
--------------------
   6 |     FROM x
   7 | >>> RUN exit 3
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3
"""
FRONTEND = """#3 resolve image config for docker.io/docker/dockerfile:1
#3 ERROR: failed to do request: Head "https://registry.invalid/v2": no such host
------
 > resolve image config for docker.io/docker/dockerfile:1:
------
failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: failed to do request
"""


@pytest.mark.parametrize(
    ("output", "subject", "cause"),
    [
        (
            OLD_RUN,
            "w: Dockerfile:4",
            "step [2/3] RUN apt-get update &&     apt-get install --yes nonsense: executor failed running "
            "[/bin/sh -c apt-get update &&     apt-get install --yes nonsense]: exit code: 100",
        ),
        (OLD_PARSE, "w: Dockerfile:1", "dockerfile parse error line 1: unknown instruction: FRM"),
        (
            NEW_RUN,
            "w: Dockerfile:7",
            'step [stage-1 2/2] RUN exit 3: process "/bin/sh -c exit 3" did not complete successfully: exit code: 3',
        ),
        ("", "w: Dockerfile", "the build failed without a word"),
        ("Killed\n", "w: Dockerfile", "Killed"),
    ],
)
def test_step_line_and_cause(output: str, subject: str, cause: str) -> None:
    finding = explain_failure("w", output, DOCKERFILE)
    assert (finding.code, finding.subject, finding.cause) == ("IMG-BUILD", subject, cause)


def test_a_full_disk_is_no_fault_of_the_dockerfile() -> None:
    full = NEW_RUN.replace("exit code: 3", "write /var/lib/docker/x: no space left on device")
    finding = explain_failure("w", full, DOCKERFILE)
    assert (finding.code, finding.subject) == ("IMG-SPACE", "w: Dockerfile:7")
    assert "df -h" in finding.fix


def test_the_last_lines_are_the_evidence() -> None:
    finding = explain_failure("w", "".join(f"line {n}\n" for n in range(100)), DOCKERFILE, log=Path("/log/w.log"))
    assert finding.evidence.splitlines() == [f"line {n}" for n in range(80, 100)]
    assert "/log/w.log" in finding.fix


def test_a_front_end_that_cannot_be_fetched_has_its_own_fix() -> None:
    finding = explain_failure("w", FRONTEND, f"# syntax=docker/dockerfile:1\n{DOCKERFILE}")
    assert finding.fix.startswith("Remove the line '# syntax='")


@pytest.mark.parametrize(
    ("instruction", "line"),
    [
        ("RUN apt-get update &&     apt-get install --yes nonsense", 4),
        ("FROM ${BASE} AS a", 2),
        ("COPY a /a", None),  # twice: which one failed is not known
        ("COPY b /b", None),
        ("", None),
    ],
)
def test_the_line_of_an_instruction(instruction: str, line: int | None) -> None:
    assert instruction_line(DOCKERFILE, instruction) == line
