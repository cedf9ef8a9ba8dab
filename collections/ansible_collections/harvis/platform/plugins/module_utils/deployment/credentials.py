"""Until when a kubeconfig's credentials are good, read off the file itself: expired is told from refused."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.deployment.errors import DeploymentError
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding


@dataclass(frozen=True)
class Validity:
    """``what`` is the client's certificate, the cluster's authority or a token; a token says only its end."""

    what: str
    begins: dt.datetime | None
    ends: dt.datetime

    def problem(self, now: dt.datetime) -> str:
        """Empty while it is good."""
        if self.begins and now < self.begins:
            return f"{self.what} is not valid yet"
        return f"{self.what} has expired" if now >= self.ends else ""

    def __str__(self) -> str:
        begins = f"from {self.begins:%Y-%m-%d %H:%M} " if self.begins else ""
        return f"valid {begins}until {self.ends:%Y-%m-%d %H:%M} UTC"


def check_credentials(kubeconfig: Path, context: str = "", now: dt.datetime | None = None) -> list[Validity]:
    """What the file says of the credentials of one context.

    Raises DeploymentError (REL-EXPIRED) where one is not good now. What cannot be read here is left to the connection.
    """
    now = now or dt.datetime.now(dt.UTC)
    found = _validities(kubeconfig, context)
    fix = "Get a fresh kubeconfig for the cluster (playbooks/site.yml writes one), and compare this machine's clock."
    bad = [
        Finding("REL-EXPIRED", str(kubeconfig), problem, f"{validity}; now it is {now:%Y-%m-%d %H:%M} UTC", fix)
        for validity in found
        if (problem := validity.problem(now))
    ]
    if bad:
        raise DeploymentError(*bad)
    return found


def _validities(kubeconfig: Path, context: str) -> list[Validity]:
    import yaml

    try:
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        name = context or config["current-context"]
        chosen = next(c["context"] for c in config["contexts"] if c["name"] == name)
        user = next(u["user"] for u in config["users"] if u["name"] == chosen["user"]) or {}
        cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == chosen["cluster"]) or {}
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, StopIteration):
        return []
    certificates = {
        "the client's certificate": _pem(user, "client-certificate", kubeconfig.parent),
        "the certificate of the cluster's authority": _pem(cluster, "certificate-authority", kubeconfig.parent),
    }
    found = [_certificate(what, pem) for what, pem in certificates.items()]
    return [validity for validity in (*found, _token(str(user.get("token") or ""))) if validity]


def _pem(section: dict[str, t.Any], key: str, folder: Path) -> bytes:
    """Embedded, or in a file beside the kubeconfig; empty where there is none."""
    try:
        if section.get(f"{key}-data"):
            return base64.b64decode(section[f"{key}-data"])
        return (folder / section[key]).read_bytes() if section.get(key) else b""
    except (OSError, ValueError):
        return b""


def _certificate(what: str, pem: bytes) -> Validity | None:
    from cryptography import x509

    try:
        # The first is the one that is shown; of authorities, any that is good would do.
        read = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return None
    last = max(read, key=lambda one: one.not_valid_after_utc) if "authority" in what else read[0]
    return Validity(what, last.not_valid_before_utc, last.not_valid_after_utc)


def _token(token: str) -> Validity | None:
    """A service account's token is a JWT, whose middle part is readable and says its end."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return Validity("the token", None, dt.datetime.fromtimestamp(int(claims["exp"]), dt.UTC))
    except (ValueError, KeyError, TypeError, binascii.Error):
        return None
