"""What the image is built from: hash-locked libraries, and no file beyond one worker's own context."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
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


def smoke(folder: Path, module: str) -> subprocess.CompletedProcess[str]:
    """What the build runs last, over the files of an image."""
    lines = (ROOT / "docker" / "worker.Dockerfile").read_text().splitlines()
    # Behind what sets the module and its path, and as the user that the worker runs as.
    assert lines.index("USER 10001:10001") > next(n for n, line in enumerate(lines) if line.startswith("ENV WORKER_M"))
    (command,) = (line.removeprefix("RUN ") for line in lines[lines.index("USER 10001:10001") :] if "RUN " in line)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": f"{folder}:{folder}/common/utils",
        "WORKER_MODULE": module,
    }
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("worker", ["indexer", "resonance", "reteller"])
def test_build_imports_the_worker_that_the_image_is_for(worker: str, tmp_path: Path) -> None:
    """From the context that one worker gets, in which the others are not."""
    ours = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "common", tmp_path / "common", ignore=ours)
    shutil.copytree(ROOT / "workers" / f"vhm_{worker}", tmp_path / "workers" / f"vhm_{worker}", ignore=ours)
    shutil.copy(ROOT / "workers" / "__init__.py", tmp_path / "workers")
    module = f"workers.vhm_{worker}.main"
    done = smoke(tmp_path, module)
    assert (done.returncode, done.stderr) == (0, "")
    shared = tmp_path / "common" / "utils" / "vhm_common_utils"
    missing = (shared / "config.py").read_text().replace("KAFKA_BOOTSTRAP: str", "ANOTHER: str")
    (shared / "config.py").write_text(missing)
    done = smoke(tmp_path, module)
    assert done.returncode == 1
    assert done.stderr.endswith("has no attribute 'KAFKA_BOOTSTRAP'\n")
    (shared / "logs.py").unlink()
    assert "No module named 'vhm_common_utils.logs'" in smoke(tmp_path, module).stderr


def test_build_without_a_worker_imports_none(tmp_path: Path) -> None:
    assert smoke(tmp_path, "").returncode == 0
