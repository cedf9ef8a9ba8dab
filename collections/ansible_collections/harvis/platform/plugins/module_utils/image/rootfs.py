"""A Debian root file system: made by debootstrap, trimmed to what a container needs, and packed."""

from __future__ import annotations

import os
import re
import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.apt_sources import Mirror
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.secrets import CA_SECRET, build_secrets
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner

# Files below these are removed; the folders stay, since package scripts expect some of them.
DOCUMENTATION = ("usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/groff", "usr/share/lintian")
LEFTOVERS = ("var/lib/apt/lists", "var/cache/apt", "var/log")
# debootstrap copies these from the host; a container gets its own.
HOST_FILES = ("etc/hostname", "etc/resolv.conf")
# Part of the recipe: raise it when the same packages are to give another image.
LAYOUT = 1
ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CA_IN_ROOT = "tmp/harvis-ca.pem"
_WORD = re.compile(r"[a-z0-9][a-z0-9.+-]*")
# Licence texts have to stay with the programs.
KEPT_DOCUMENT = "copyright"
DPKG_RULES = (
    "".join(f"path-exclude=/{path}/*\n" for path in (*DOCUMENTATION, "usr/share/doc"))
    + "path-include=/usr/share/doc/*/copyright\n"
)


@dataclass(frozen=True)
class RootfsRequest:
    """What is asked of debootstrap; the same request may give newer packages later."""

    suite: str
    include: tuple[str, ...] = ()
    variant: str = "minbase"

    def __post_init__(self) -> None:
        for word in (self.suite, *self.include):
            if not _WORD.fullmatch(word):
                raise image_error(
                    "PLB-INPUT", word, "is no name of a suite or package", fix="Correct suite or include."
                )

    def to_recipe(self) -> dict[str, t.Any]:
        return {"layout": LAYOUT, "suite": self.suite, "variant": self.variant, "include": sorted(set(self.include))}


def make_rootfs(request: RootfsRequest, mirror: Mirror, target: Path, runner: Runner, log: Path) -> None:
    """Run debootstrap into ``target``.

    Raises IMG-BUILD when it fails, with the end of its own log.
    """
    try:
        result = runner.run(
            debootstrap_argv(request, mirror, target), env=proxy_settings(runner), timeout=1800, check=False, log=log
        )
    except ProcessError as exc:
        cause = "debootstrap cannot be run"
        raise image_error(
            "IMG-BUILD", "debian", cause, evidence=str(exc), fix="Install the package debootstrap."
        ) from exc
    if result.rc:
        inner = target / "debootstrap/debootstrap.log"
        evidence = "\n".join(
            [result.tail, *(inner.read_text(errors="replace").splitlines()[-10:] if inner.is_file() else ())]
        )
        cause = f"debootstrap of {request.suite} from {mirror.uri} failed"
        fix = f"Check that the mirror answers and that the keyring knows the suite. The whole output: {log}"
        raise image_error("IMG-BUILD", "debian", cause, evidence=evidence, fix=fix)


def upgrade(root: Path, sources_list: str, runner: Runner, log: Path) -> None:
    """Bring in the fixes published since the suite's release, which debootstrap does not look at.

    Raises IMG-BUILD.
    """
    (root / "etc/apt/sources.list").write_text(sources_list, encoding="utf-8")
    certificates = root / CA_IN_ROOT
    bundle = build_secrets(None, None).get(CA_SECRET)
    if bundle:
        shutil.copyfile(bundle, certificates)
    settings = {**proxy_settings(runner), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": ROOT_PATH}
    try:
        for words in (("update",), ("--yes", "upgrade")):
            argv = ["chroot", str(root), "apt-get", "-o", f"Acquire::https::CAInfo=/{CA_IN_ROOT}", *words]
            result = runner.run(argv, env=settings, timeout=1800, check=False, log=log)
            if result.rc:
                cause = f"apt-get {words[-1]} failed in the new root file system"
                fix = f"Check that the mirrors of updates answer. The whole output: {log}"
                raise image_error("IMG-BUILD", "debian", cause, evidence=result.tail, fix=fix)
    finally:
        certificates.unlink(missing_ok=True)


def debootstrap_argv(request: RootfsRequest, mirror: Mirror, target: Path) -> list[str]:
    argv = ["debootstrap", f"--variant={request.variant}", f"--keyring={mirror.keyring}"]
    argv += [f"--include={','.join(sorted(request.include))}"] if request.include else []
    return [*argv, request.suite, str(target), mirror.uri]


def proxy_settings(runner: Runner) -> dict[str, str]:
    """debootstrap fetches with wget, which does not know the proxy that apt is told to use."""
    if os.environ.get("http_proxy"):
        return {}
    try:
        answer = runner.run(["apt-config", "dump", "--format", "%v%n", "Acquire::http::Proxy"], timeout=30, check=False)
    except ProcessError:
        return {}
    proxy = answer.stdout.strip()
    return {"http_proxy": proxy} if proxy.startswith("http") else {}


def trim(root: Path) -> None:
    """Remove what no container reads, and keep later packages from bringing it back."""
    for folder in (*DOCUMENTATION, *LEFTOVERS):
        _remove_files(root / folder)
    _remove_files(root / "usr/share/doc", kept=KEPT_DOCUMENT)
    (root / "etc/dpkg/dpkg.cfg.d/harvis-trim").write_text(DPKG_RULES, encoding="utf-8")
    for path in (*(root / name for name in HOST_FILES), *(root / "var/cache/debconf").glob("*-old")):
        path.unlink(missing_ok=True)


def installed_packages(root: Path, runner: Runner) -> dict[str, str]:
    """Versions by name, as dpkg recorded them."""
    query = [
        "dpkg-query",
        f"--admindir={root / 'var/lib/dpkg'}",
        "--show",
        "--showformat=${Package}:${Architecture} ${Version}\\n",
    ]
    rows = (line.split() for line in runner.run(query, timeout=60).stdout.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}


def pack_rootfs(root: Path, target: Path, runner: Runner) -> None:
    runner.run(
        ["tar", "--numeric-owner", "--xattrs", "--sort=name", "-C", str(root), "-cf", str(target), "."], timeout=600
    )


def remove_rootfs(root: Path, runner: Runner, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Remove a tree, after what an interrupted debootstrap left mounted in it.

    Raises IMG-BUILD rather than ever deleting through a mount.
    """
    for point in reversed(_mounted_below(root, mounts)):
        runner.run(["umount", "--lazy", str(point)], timeout=60, check=False)
    if left := _mounted_below(root, mounts):
        cause = f"{left[0]} is still mounted below a folder that has to be removed"
        raise image_error("IMG-BUILD", str(root), cause, fix=f"Run umount {left[0]} as root.")
    if root.exists():
        shutil.rmtree(root)


def _mounted_below(root: Path, mounts: Path) -> list[Path]:
    points = (Path(_unescape(line.split()[1])) for line in mounts.read_text().splitlines())
    return [point for point in points if point.is_relative_to(root.resolve())]


def _unescape(text: str) -> str:
    """The kernel writes blanks in mount points as octal escapes."""
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in text else text


def _remove_files(folder: Path, *, kept: str | None = None) -> None:
    """Remove all files, or all but those called ``kept`` and the links through which packages share them."""
    for path in _files(folder):
        if kept is None or (path.name != kept and not path.is_symlink()):
            path.unlink()


def _files(folder: Path) -> t.Iterator[Path]:
    for directory, folders, names in os.walk(folder):
        for name in (*names, *folders):
            path = Path(directory) / name
            if path.is_symlink() or not path.is_dir():
                yield path
