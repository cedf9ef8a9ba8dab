"""The kernel that runs, those that are installed, and what a reboot is waiting for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.hardware.files import resolve, text

# Variable of UEFI's global namespace: four bytes of attributes, then 1 where Secure Boot is on.
_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


@dataclass(frozen=True)
class Kernel:
    """``secure_boot`` is ``enabled``, ``disabled``, ``unsupported`` (no UEFI) or ``unknown``.

    ``headers`` says whether a module can be built for the running kernel. ``reboot_pending`` has a sentence for each
    reason, none where no reboot is waited for.
    """

    release: str = ""
    headers: bool = False
    installed: tuple[str, ...] = ()
    secure_boot: str = "unknown"
    reboot_pending: tuple[str, ...] = ()


def read_kernel(root: Path) -> Kernel:
    release = text(root / "proc/sys/kernel/osrelease")
    installed = _installed(root)
    return Kernel(release, has_headers(root, release), installed, secure_boot(root), _pending(root, release, installed))


def has_headers(root: Path, release: str) -> bool:
    """Whether ``build`` leads somewhere: it stays behind as a dead link when the headers are removed."""
    return bool(release) and resolve(root, f"lib/modules/{release}/build").is_dir()


def secure_boot(root: Path) -> str:
    if not (root / "sys/firmware/efi").is_dir():
        return "unsupported"
    try:
        value = (root / _SECURE_BOOT).read_bytes()
    except FileNotFoundError:
        # Firmware that cannot do Secure Boot has no such variable; without the file system of variables we cannot tell.
        return "disabled" if any((root / "sys/firmware/efi/efivars").glob("*")) else "unknown"
    except OSError:
        return "unknown"
    return {b"\1": "enabled", b"\0": "disabled"}.get(value[4:5], "unknown")


def by_age(release: str) -> list[tuple[int, int, str]]:
    """A key that sorts kernels as they came out: 6.1.0-9 before 6.1.0-10."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"\d+|[a-z]+", release)]


def _installed(root: Path) -> tuple[str, ...]:
    images = (path.name.removeprefix("vmlinuz-") for path in (root / "boot").glob("vmlinuz-[0-9]*"))
    return tuple(sorted(images, key=by_age))


def _pending(root: Path, release: str, installed: tuple[str, ...]) -> tuple[str, ...]:
    reasons = []
    if (root / "run/reboot-required").exists():
        packages = sorted(set(text(root / "run/reboot-required.pkgs").split()))
        reasons.append(f"packages ask for it: {', '.join(packages)}" if packages else "a package asks for it")
    # Another flavour (rt, cloud) is no successor of the one that runs.
    flavour = _flavour(release)
    newest = next((one for one in reversed(installed) if _flavour(one) == flavour), release)
    if release and by_age(newest) > by_age(release):
        reasons.append(f"kernel {newest} is installed and {release} runs")
    return tuple(reasons)


def _flavour(release: str) -> tuple[str, ...]:
    """The words of a release (``amd``, ``rt amd``, ``generic``) without the marks of a distribution's release."""
    return tuple(word for word in re.findall(r"[a-z]+", release) if word not in ("deb", "bpo"))
