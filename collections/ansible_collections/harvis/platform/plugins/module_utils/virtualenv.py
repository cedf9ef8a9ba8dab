"""A virtualenv of hash-locked requirements on a managed host, for what our modules import there."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner

UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed", "UnknownIssuer")
SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Virtualenv:
    """``path`` holds exactly what ``requirements`` (with hashes) names; a mark in it says which."""

    path: Path
    requirements: Path
    runner: Runner

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    def is_ready(self) -> bool:
        return self.python.exists() and self._mark.exists()

    def make(self) -> None:
        """Make it anew; a half-made one is not kept. Raises HarvisError (NET-TLS, PLB-PROCESS)."""
        shutil.rmtree(self.path, ignore_errors=True)
        # The interpreter of the module may itself be one of a virtualenv that is gone tomorrow.
        base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.runner.run([str(base if base.exists() else sys.executable), "-m", "venv", str(self.path)])
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        trust = {"PIP_CERT": str(SYSTEM_BUNDLE)} if SYSTEM_BUNDLE.exists() and "PIP_CERT" not in os.environ else {}
        try:
            self.runner.run([str(self.python), *install, "-r", str(self.requirements)], env=trust, timeout=900)
        except ProcessError as exc:
            raise self._explain(exc) from exc
        self._mark.touch()

    def _explain(self, exc: ProcessError) -> HarvisError:
        evidence = exc.findings[0].evidence
        if not any(sign in evidence for sign in UNTRUSTED):
            return exc
        fix = "Add the proxy's CA to the host (/usr/local/share/ca-certificates, then update-ca-certificates)."
        cause = "the package registry's certificate is not trusted by this host"
        return fail("NET-TLS", str(self.requirements), cause, evidence=evidence, fix=fix)

    @property
    def _mark(self) -> Path:
        digest = hashlib.sha256(self.requirements.read_bytes()).hexdigest()[:16]
        return self.path / f".requirements-{digest}"
