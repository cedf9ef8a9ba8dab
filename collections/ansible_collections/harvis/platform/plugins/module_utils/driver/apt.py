"""apt, asked and told: a view of the archive that changes nothing, and the steps that do."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.driver.archive import (
    Archive,
    parse_madison,
    parse_simulation,
)
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import DriverError, driver_error
from ansible_collections.harvis.platform.plugins.module_utils.driver.files import PREFERENCES, SOURCES, WantedFile
from ansible_collections.harvis.platform.plugins.module_utils.driver.packages import STATUS
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult, Runner

_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
_INSTALL_SECONDS = 3600
_UNREACHABLE = ("Failed to fetch", "Could not resolve", "Temporary failure", "Could not connect", "Some index files")


@dataclass(frozen=True)
class Apt:
    """``options`` go to every call; they are those of a private view in ``folder``, none for the host's own state."""

    runner: Runner
    options: tuple[str, ...] = ()
    lock_seconds: int = 60
    folder: Path | None = None

    def update(self) -> None:
        """Raises DriverError (DRV-NETWORK) where a repository does not answer, which apt by itself calls a success."""
        done = self._run("apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update")
        if done.rc:
            raise _unreachable(done) or _failed(done)

    def archive(self, names: t.Sequence[str], beginnings: t.Sequence[str] = ()) -> Archive:
        """What there is of these packages, and of all whose names begin so."""
        listed = [n for b in beginnings for n in self._run("apt-cache", "pkgnames", b).stdout.split()]
        return parse_madison(self._run("apt-cache", "madison", *dict.fromkeys((*names, *listed))).stdout)

    def simulate(self, items: t.Sequence[str]) -> tuple[tuple[str, str], ...]:
        """All that installing ``items`` would unpack; raises DriverError (DRV-VERSION) where it cannot be resolved."""
        done = self._run("apt-get", "-s", "-q", *_INSTALL, "install", *items)
        if done.rc:
            cause = "cannot be installed together with what this host has"
            fix = "Read apt's reason in the evidence: mostly a hold, or a source of another release."
            raise driver_error("DRV-VERSION", " ".join(items), cause, evidence=_said(done), fix=fix)
        return parse_simulation(done.stdout)

    def install(self, items: t.Sequence[str]) -> CommandResult:
        """The caller looks at the status: a failure has to be mended before it is said."""
        wait = f"DPkg::Lock::Timeout={self.lock_seconds}"
        return self._run("apt-get", "-y", "-q", "-o", wait, *_INSTALL, "install", *items)

    def purge(self, names: t.Sequence[str]) -> None:
        wait = f"DPkg::Lock::Timeout={self.lock_seconds}"
        done = self._run("apt-get", "-y", "-q", "-o", wait, "--allow-change-held-packages", "purge", *names)
        if done.rc:
            raise _failed(done)

    def unneeded(self) -> tuple[str, ...]:
        """Packages that came as dependencies and that nothing needs any more."""
        lines = self._run("apt-get", "-s", "-q", "autoremove").stdout.splitlines()
        return tuple(line.split()[1] for line in lines if line.startswith("Remv "))

    def overlay(self, file: WantedFile) -> None:
        """Let a private view see a file of apt's as it is wanted."""
        if self.folder is None:
            raise ValueError("the host's own state is changed by carrying out a plan")
        copy = self.folder / _PARTS[Path(file.path).parent] / Path(file.path).name
        if file.content:
            copy.write_text(file.content)
        else:
            copy.unlink(missing_ok=True)

    def release(self, names: t.Collection[str]) -> None:
        """Let a private view see these packages without their hold, which a plan will lift first."""
        if self.folder is None:
            raise ValueError("the host's own holds are lifted by carrying out a plan")
        status = self.folder / "status"
        stanzas = status.read_text(errors="replace").split("\n\n")
        status.write_text("\n\n".join(_released(stanza, names) for stanza in stanzas))

    def mark(self, verb: str, names: t.Sequence[str]) -> None:
        """``hold`` or ``unhold``."""
        if names:
            self.runner.run(["apt-mark", verb, *names], env=_QUIET)

    def dpkg(self, *arguments: str) -> CommandResult:
        return self.runner.run(["dpkg", *arguments], env=_QUIET, check=False, timeout=_INSTALL_SECONDS)

    def fetch_error(self, done: CommandResult) -> DriverError | None:
        return _unreachable(done)

    def _run(self, program: str, *arguments: str) -> CommandResult:
        argv = [program, *self.options, *arguments]
        return self.runner.run(argv, env=_QUIET, check=False, timeout=_INSTALL_SECONDS)


# A pin may lead to an older version; what a person changed in /etc stays.
_INSTALL = (
    "--no-install-recommends",
    "--allow-downgrades",
    "--allow-change-held-packages",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
)


# Folders of apt that a private view has its own copies of.
_PARTS = {Path(SOURCES).parent: "sources", Path(PREFERENCES).parent: "preferences"}


@contextlib.contextmanager
def private_view(root: Path, runner: Runner, files: t.Sequence[WantedFile] = ()) -> t.Iterator[Apt]:
    """apt as it would be with ``files``, with lists of its own: what a plan needs to know, and nothing is changed."""
    folder = Path(tempfile.mkdtemp(prefix="harvis-apt-"))
    try:
        # Downloads are made by apt's own user.
        folder.chmod(0o755)
        for path, name in _PARTS.items():
            (folder / name).mkdir()
            for given in (root / path).glob("*"):
                if given.is_file():
                    shutil.copy(given, folder / name / given.name)
        (folder / "lists/partial").mkdir(parents=True)
        shutil.copy(root / STATUS, folder / "status")
        apt = Apt(runner, _view_options(folder), folder=folder)
        for file in files:
            apt.overlay(file)
        yield apt
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _released(stanza: str, names: t.Collection[str]) -> str:
    found = re.search(r"^Package: (.+)$", stanza, re.MULTILINE)
    if not found or found[1].strip() not in names:
        return stanza
    return re.sub(r"^Status: hold ", "Status: install ", stanza, flags=re.MULTILINE)


def _view_options(folder: Path) -> tuple[str, ...]:
    given = {
        "Dir::Etc::SourceParts": folder / "sources",
        "Dir::Etc::PreferencesParts": folder / "preferences",
        "Dir::State::status": folder / "status",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
    }
    return tuple(word for name, value in given.items() for word in ("-o", f"{name}={value}"))


def _unreachable(done: CommandResult) -> DriverError | None:
    text = f"{done.stdout}\n{done.stderr}"
    lines = [line for line in text.splitlines() if any(sign in line for sign in _UNREACHABLE)]
    if not lines:
        return None
    cause = "cannot be reached, so neither the driver's versions nor its packages can be had"
    fix = "Look at the network, the proxy (Acquire::http::Proxy) and the addresses in /etc/apt."
    return driver_error("DRV-NETWORK", "package archive", cause, evidence="\n".join(lines[:5]), fix=fix)


def _failed(done: CommandResult) -> DriverError:
    return driver_error("PLB-PROCESS", done.argv[0], f"exit status {done.rc}", evidence=_said(done))


def _said(done: CommandResult) -> str:
    lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return "\n".join(lines[-12:])
