"""Secure Boot: whether the kernel asks for a signature, and whether the host's own key is enrolled."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import driver_error
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner

_VARIABLE = Path("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
# Where DKMS (Debian) and Ubuntu's tools keep the public half of the key that they sign with.
_KEYS = ("var/lib/dkms/mok.pub", "var/lib/shim-signed/mok/MOK.der")


def is_enforced(root: Path) -> bool:
    """The variable is four bytes of attributes and one of value; a host without EFI has none."""
    try:
        return (root / _VARIABLE).read_bytes()[4:5] == b"\x01"
    except OSError:
        return False


def signing_key(root: Path) -> str:
    """Path of the key on the host, or empty."""
    return next((f"/{key}" for key in _KEYS if (root / key).is_file()), "")


def check_signature(root: Path, runner: Runner, signer: str) -> tuple[Finding, ...]:
    """What would keep the kernel from loading a module that is signed by ``signer`` (empty: by nobody)."""
    if not is_enforced(root):
        return ()
    key = signing_key(root)
    if key and signer and _is_enrolled(runner, key):
        return ()
    cause = "Secure Boot is on, and the kernel will refuse the module: " + (
        f"its key {key} is not enrolled" if key and signer else "it is not signed"
    )
    fix = (
        f"Run `mokutil --import {key or '/var/lib/dkms/mok.pub'}`, reboot, choose 'Enroll MOK' at the console and give "
        "the password; or switch Secure Boot off in the firmware."
    )
    return driver_error(
        "DRV-SECUREBOOT", "nvidia", cause, evidence=f"signer {signer or 'none'}, key {key or 'none'}", fix=fix
    ).findings


def _is_enrolled(runner: Runner, key: str) -> bool:
    """By mokutil's words, because its exit status differs between versions; without mokutil nobody enrolled it."""
    try:
        answer = runner.run(["mokutil", "--test-key", key], check=False, timeout=20)
    except ProcessError:
        return False
    return "already enrolled" in f"{answer.stdout}{answer.stderr}"
