"""Until when a kubeconfig's credentials are good."""

from __future__ import annotations

import base64
import datetime as dt
import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.harvis.platform.plugins.module_utils.deployment.credentials import check_credentials
from ansible_collections.harvis.platform.plugins.module_utils.deployment.errors import DeploymentError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def certificate(begins: dt.datetime, ends: dt.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(1).not_valid_before(begins).not_valid_after(ends).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def token(ends: dt.datetime) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(ends.timestamp())}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


def kubeconfig(folder: Path, user: dict[str, t.Any], cluster: dict[str, t.Any] | None = None) -> Path:
    path = folder / "kubeconfig"
    document = {
        "current-context": "ours",
        "contexts": [{"name": "ours", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
        "clusters": [{"name": "c", "cluster": cluster or {}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def embedded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def test_good_credentials_are_told_with_their_dates(tmp_path: Path) -> None:
    user = {"client-certificate-data": embedded(certificate(NOW - DAY, NOW + DAY)), "token": token(NOW + DAY)}
    found = check_credentials(kubeconfig(tmp_path, user), now=NOW)
    assert [(validity.what, str(validity)) for validity in found] == [
        ("the client's certificate", "valid from 2026-05-31 12:00 until 2026-06-02 12:00 UTC"),
        ("the token", "valid until 2026-06-02 12:00 UTC"),
    ]


def user_certificate(begins: dt.datetime, ends: dt.datetime) -> dict[str, str]:
    return {"client-certificate-data": embedded(certificate(begins, ends))}


BAD: list[tuple[dict[str, str], str]] = [
    (user_certificate(NOW - 2 * DAY, NOW - DAY), "the client's certificate has expired"),
    (user_certificate(NOW + DAY, NOW + 2 * DAY), "the client's certificate is not valid yet"),
    ({"token": token(NOW - DAY)}, "the token has expired"),
]


@pytest.mark.parametrize(("user", "cause"), BAD, ids=[cause for _user, cause in BAD])
def test_what_is_not_good_now_is_a_finding_with_its_dates(tmp_path: Path, user: dict[str, str], cause: str) -> None:
    path = kubeconfig(tmp_path, user)
    with pytest.raises(DeploymentError) as caught:
        check_credentials(path, now=NOW)
    (finding,) = caught.value.findings
    assert (finding.code, finding.subject, finding.cause) == ("REL-EXPIRED", str(path), cause)
    assert "now it is 2026-06-01 12:00 UTC" in finding.evidence


def test_files_beside_the_kubeconfig_are_read(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(certificate(NOW - 2 * DAY, NOW - DAY))
    with pytest.raises(DeploymentError, match="the cluster's authority has expired"):
        check_credentials(kubeconfig(tmp_path, {}, {"certificate-authority": "ca.pem"}), now=NOW)


def test_of_two_authorities_one_that_is_good_is_enough(tmp_path: Path) -> None:
    both = certificate(NOW - 2 * DAY, NOW - DAY) + certificate(NOW - DAY, NOW + DAY)
    assert check_credentials(kubeconfig(tmp_path, {}, {"certificate-authority-data": embedded(both)}), now=NOW)


@pytest.mark.parametrize("user", [{}, {"token": "opaque"}, {"token": "a.b.c"}, {"client-certificate-data": "eA=="}])
def test_what_tells_no_date_is_left_to_the_connection(tmp_path: Path, user: dict[str, str]) -> None:
    assert check_credentials(kubeconfig(tmp_path, user), now=NOW) == []


def test_another_context_has_other_credentials(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, user_certificate(NOW - 2 * DAY, NOW - DAY))
    document = yaml.safe_load(path.read_text())
    document["contexts"].append({"name": "other", "context": {"cluster": "c", "user": "v"}})
    document["users"].append({"name": "v", "user": {"token": token(NOW + DAY)}})
    path.write_text(yaml.safe_dump(document))
    assert [validity.what for validity in check_credentials(path, "other", now=NOW)] == ["the token"]


def test_no_kubeconfig_is_left_to_the_connection(tmp_path: Path) -> None:
    assert check_credentials(tmp_path / "none", now=NOW) == []
