"""Reading BuildKit's plain output: which step failed, on which line, and why."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import MAKE_ROOM, is_full

TAIL_LINES = 20
_STEP = re.compile(r"^ > \[(?P<position>[^\]]*)\] (?P<instruction>.+?):?\s*$", re.MULTILINE)
_PARSE_LINE = re.compile(r"dockerfile parse error (?:on )?line (\d+)")
_SOURCE_LINE = re.compile(r"^\S*Dockerfile:(\d+)$", re.MULTILINE)
_CAUSE = re.compile(
    r"^(?:ERROR: )?(?P<text>(?:failed to|executor failed|dockerfile parse error|target stage).*)$", re.MULTILINE
)
_WRAPPING = re.compile(
    r"failed to build: |failed to solve(?: with frontend \S+)?: |failed to create LLB definition: "
    r"|rpc error: code = \w+ desc = "
)
_FRONTEND = re.compile(r"^#\s*syntax\s*=", re.IGNORECASE)


def explain_failure(name: str, output: str, dockerfile: str, *, log: Path | None = None) -> Finding:
    """One finding for the failed build of ``name``: IMG-SPACE where the disk is full, else IMG-BUILD."""
    step = _STEP.search(output)
    line = _line(output, dockerfile, step["instruction"] if step else "")
    subject = f"{name}: Dockerfile:{line}" if line else f"{name}: Dockerfile"
    cause = _cause(output)
    if step:
        cause = f"step [{step['position']}] {step['instruction']}: {cause}"
    evidence = "\n".join(output.strip().splitlines()[-TAIL_LINES:])
    if is_full(output):
        return Finding("IMG-SPACE", subject, cause, evidence, MAKE_ROOM)
    return Finding("IMG-BUILD", subject, cause, evidence, _fix(dockerfile, output, log))


def instruction_line(dockerfile: str, instruction: str) -> int | None:
    """The line on which ``instruction`` starts, when exactly one does; continuation lines are joined first."""
    wanted = _squeeze(instruction)
    starts = [number for number, text in _instructions(dockerfile) if wanted and _squeeze(text) == wanted]
    return starts[0] if len(starts) == 1 else None


def _instructions(dockerfile: str) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    parts: list[str] = []
    start = 0
    for number, line in enumerate(dockerfile.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        start = start if parts else number
        text = line.rstrip()
        parts.append(text.removesuffix("\\"))
        if not text.endswith("\\"):
            found.append((start, "".join(parts)))
            parts = []
    return found


def _line(output: str, dockerfile: str, instruction: str) -> int | None:
    for pattern in (_PARSE_LINE, _SOURCE_LINE):
        if found := pattern.search(output):
            return int(found[1])
    return instruction_line(dockerfile, instruction)


def _cause(output: str) -> str:
    causes = [_WRAPPING.sub("", found["text"]) for found in _CAUSE.finditer(output)]
    if causes:
        return causes[-1]
    lines = output.strip().splitlines()
    return lines[-1].strip() if lines else "the build failed without a word"


def _fix(dockerfile: str, output: str, log: Path | None) -> str:
    if _FRONTEND.match(dockerfile) and "resolve image config for" in output:
        return (
            "Remove the line '# syntax=': it makes Docker fetch a front end from a registry that does not answer here."
        )
    return f"Mend the Dockerfile or what it needs. The whole output: {log}" if log else "Mend the Dockerfile."


def _squeeze(text: str) -> str:
    return " ".join(text.split())
