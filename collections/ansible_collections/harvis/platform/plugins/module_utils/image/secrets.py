"""Files that a build may read and that must stay in no layer: CA bundle, pip and Maven settings."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
CA_SECRET = "ca"
PIP_SECRET = "pip"


def build_secrets(
    ca_bundle: str | None, pip_config: str | None, others: t.Mapping[str, str] | None = None
) -> dict[str, Path]:
    """Secret ids and the files behind them; a file that does not exist is left out.

    Without ``ca_bundle`` the first usual bundle of the system is taken, without ``pip_config`` pip's own choice.
    """
    wanted = {
        CA_SECRET: (ca_bundle,) if ca_bundle else CA_BUNDLES,
        PIP_SECRET: (pip_config,) if pip_config else _pip_configs(),
        **{name: (path,) for name, path in (others or {}).items()},
    }
    found = {name: _first_file(candidates) for name, candidates in wanted.items()}
    return {name: path for name, path in found.items() if path is not None}


def _first_file(candidates: t.Iterable[str]) -> Path | None:
    paths = (Path(candidate).expanduser() for candidate in candidates if candidate)
    return next((path for path in paths if path.is_file() and path.stat().st_size), None)


def _pip_configs() -> tuple[str, ...]:
    return (os.environ.get("PIP_CONFIG_FILE", ""), "~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf")
