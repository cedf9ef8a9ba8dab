"""What the image is built from: hash-locked libraries, and no file beyond one worker's own context."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENTRYPOINT = ROOT / "docker" / "worker-entrypoint"
CONTEXT = {"common", "workers", "docker", "requirements.txt"}


def test_every_requirement_has_a_hash_and_no_address() -> None:
    text = (ROOT / "requirements.txt").read_text()
    pinned = re.findall(r"^([a-z0-9-]+)==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    wanted = (ROOT / "requirements.in").read_text().split()
    assert set(wanted) <= set(pinned)
    assert len(pinned) == len(re.findall(r"^\S+==", text, re.MULTILINE))
    assert "://" not in text


def test_image_needs_only_one_workers_context() -> None:
    lines = (ROOT / "docker" / "worker.Dockerfile").read_text().splitlines()
    copied = {line.split()[1].split("/")[0] for line in lines if line.startswith("COPY ") and "--from" not in line}
    mounted = {part for line in lines for part in re.findall(r"type=bind,source=([^/,]+)", line)}
    assert copied | mounted == CONTEXT


def enter(module: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "WORKER_MODULE": module}
    return subprocess.run(["sh", str(ENTRYPOINT)], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("module", "words"),
    [("", "WORKER_MODULE is empty"), ("workers.nobody.main", "there is no module workers.nobody.main")],
)
def test_entry_point_says_what_is_wrong_with_the_module(module: str, words: str) -> None:
    done = enter(module)
    assert done.returncode == 78
    assert words in done.stderr


def test_entry_point_is_executable() -> None:
    assert ENTRYPOINT.stat().st_mode & 0o111 == 0o111
