"""The whole of ``ensure_driver`` over recorded trees, with programs that answer as they did when recorded."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.driver import ensure as ensure_module
from ansible_collections.harvis.platform.plugins.module_utils.driver.ensure import Outcome, ensure_driver
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import DriverError
from ansible_collections.harvis.platform.plugins.module_utils.driver.lock import wait_for_dpkg
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Options, State
from ansible_collections.harvis.platform.plugins.module_utils.process import CommandResult
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.driver import hosts

KERNEL = hosts.KERNEL
SIMULATED = """\
Inst dkms (3.0.10-8+deb12u1 Debian:12.15/oldstable [all])
Inst nvidia-open-kernel-dkms (535.261.03-1 Debian:12.15/oldstable [amd64])
Conf dkms (3.0.10-8+deb12u1 Debian:12.15/oldstable [all])
"""
FILES = ["etc/apt/preferences.d/harvis-nvidia", "etc/apt/sources.list.d/harvis-nvidia.sources"]
MODPROBE = "etc/modprobe.d/harvis-nvidia.conf"
UNREACHABLE = "E: Failed to fetch http://mirror.example/debian/dists/bookworm/InRelease  Could not resolve 'deb'\n"


class Programs(FakeRunner):
    """apt, dpkg and DKMS; apt's options before its verb do not matter for the answer."""

    said: dict[tuple[str, ...], tuple[int, t.Any]]
    statuses: list[str]

    def run(self, argv: t.Sequence[str], **options: t.Any) -> CommandResult:
        done = super().run(argv, **options)
        if argv[0] == "apt-cache" and "madison" in argv:
            return CommandResult(done.argv, 0, _chosen(argv), "")
        if argv[0] == "apt-cache":
            return CommandResult(done.argv, 0, "linux-headers-6.1.0-56-amd64\n", "")
        seen = [Path(word.partition("=")[2]) for word in argv if word.startswith("Dir::State::status=")]
        self.statuses += [path.read_text() for path in seen]
        for words, (rc, text) in self.said.items():
            if all(word in argv for word in words):
                text = text() if callable(text) else text
                return CommandResult(done.argv, rc, text, "")
        return done

    def called(self, *words: str) -> list[tuple[str, ...]]:
        return [call for call in self.calls if all(word in call for word in words)]


def _chosen(argv: t.Sequence[str]) -> str:
    """madison prints the packages that it was asked for."""
    lines = hosts.MADISON.splitlines(keepends=True)
    return "".join(line for line in lines if line.split("|")[0].strip() in argv)


def programs() -> Programs:
    runner = Programs()
    runner.statuses = []
    runner.said = {("apt-get", "-s"): (0, SIMULATED)}
    return runner


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensure_module.os, "geteuid", lambda: 0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return hosts.make_host(tmp_path)


def installing(root: Path, runner: Programs, *, kernels: t.Sequence[str] = (KERNEL,)) -> Programs:
    """apt-get leaves what it leaves, and DKMS tells of it from then on."""

    def install() -> str:
        hosts.install_driver(root, held=False)
        return "done\n"

    def status() -> str:
        return hosts.dkms_status(*kernels)

    runner.said |= {
        ("apt-get", "-y", "install"): (0, install),
        ("dkms", "status"): (0, status),
        ("modinfo", "vermagic"): (0, f"{KERNEL} SMP preempt mod_unload modversions\n"),
    }
    return runner


def ensure(root: Path, runner: FakeRunner, *, check_mode: bool = False, **options: t.Any) -> Outcome:
    given = {"flavour": Flavour.OPEN, "lock_seconds": 0, **options}
    return ensure_driver(Options(**given), root, runner, check_mode=check_mode)


def present(root: Path, **how: t.Any) -> Programs:
    """A host on which all is as a run of ours leaves it."""
    runner = installing(root, programs())
    ensure(root, runner)
    hosts.install_driver(root, **how)
    again = installing(root, programs())
    again.said |= runner.said
    return again


def test_an_installation(root: Path) -> None:
    """Recorded tree."""
    runner = installing(root, programs())
    outcome = ensure(root, runner)

    assert outcome.changed
    assert outcome.packages == ("dkms=3.0.10-8+deb12u1", "nvidia-open-kernel-dkms=535.261.03-1")
    [install] = runner.called("apt-get", "-y", "install")
    assert set(install) >= {f"{name}=535.261.03-1" for name in hosts.OPEN}
    assert runner.called("apt-mark", "hold", *hosts.OPEN)
    assert "Pin: version 535.261.03*\n" in (root / FILES[0]).read_text()
    assert "non-free" in (root / FILES[1]).read_text()
    assert "blacklist nouveau\n" in (root / MODPROBE).read_text()


def test_a_forced_open_module_of_an_old_branch_says_so(root: Path) -> None:
    """Recorded tree."""
    hosts.add_card(root)
    outcome = ensure(root, installing(root, programs()))

    assert "options nvidia-current-open NVreg_OpenRmEnableUnsupportedGpus=1" in (root / MODPROBE).read_text()
    assert any("NVreg_OpenRmEnableUnsupportedGpus" in note for note in outcome.notes)


def test_auto_takes_the_proprietary_module_of_an_old_branch(root: Path) -> None:
    """Recorded tree."""
    hosts.add_card(root)
    outcome = ensure(root, programs(), check_mode=True, flavour=Flavour.AUTO)

    assert (outcome.flavour, outcome.version) == ("proprietary", "535.309.01")


def test_auto_takes_the_open_module_for_a_data_centre_card(root: Path) -> None:
    """Recorded tree."""
    hosts.add_card(root, "0x2330", name="GH100 [H100 SXM5 80GB]")
    outcome = ensure(root, programs(), check_mode=True, flavour=Flavour.AUTO)

    assert (outcome.flavour, outcome.version) == ("open", "535.261.03")


def test_check_mode_names_the_packages_and_changes_nothing(root: Path) -> None:
    """Recorded tree."""
    before = sorted(p for p in root.rglob("*"))
    runner = programs()
    outcome = ensure(root, runner, check_mode=True)

    assert outcome.changed
    assert "nvidia-open-kernel-dkms=535.261.03-1" in outcome.packages
    assert sorted(p for p in root.rglob("*")) == before
    assert runner.called("apt-get", "-y") == runner.called("apt-mark") == runner.called("modprobe") == []
    # Each question to apt goes to lists of its own.
    assert all("-o" in call for call in runner.calls if call[0].startswith("apt-"))


def test_again_changes_nothing_and_asks_no_archive(root: Path) -> None:
    """Recorded tree."""
    runner = present(root)
    outcome = ensure(root, runner)

    assert (outcome.changed, outcome.reasons, outcome.findings) == (False, (), ())
    assert [call for call in runner.calls if call[0].startswith("apt")] == []


def test_a_lost_hold_is_put_back(root: Path) -> None:
    """Recorded tree."""
    runner = present(root, held=False)
    outcome = ensure(root, runner)

    assert outcome.changed
    assert runner.called("apt-mark", "hold", "nvidia-smi")


def test_removal_takes_packages_files_and_what_came_along(root: Path) -> None:
    """Recorded tree."""
    runner = present(root)
    runner.said = {("autoremove",): (0, "Remv dkms [3.0.10-8]\nRemv theirs [1]\n")}
    outcome = ensure(root, runner, state=State.ABSENT)

    assert outcome.changed
    assert set(runner.called("purge")[0]) >= {*hosts.OPEN, "nvidia-persistenced"}
    assert runner.called("purge")[1][-2:] == ("purge", "dkms")
    assert [p for p in [*FILES, MODPROBE, "var/lib/harvis"] if (root / p).exists()] == []
    assert "nvidia-smi=535.261.03-1\n" in outcome.diff["before"]
    assert outcome.diff["after"] == ""


def test_removing_nothing_changes_nothing(root: Path) -> None:
    """Recorded tree."""
    assert not ensure(root, programs(), state=State.ABSENT).changed


REFUSED = [
    ("DRV-VERSION", {"version": "535.1.1"}),
    ("DRV-VERSION", {"branch": "550"}),
    ("DRV-CUDA", {"cuda": "13.0"}),
    ("DRV-HEADERS", {"kernels": ("6.1.0-1-amd64",)}),
]


@pytest.mark.fault(code="DRV-VERSION", by="recorded tree")
@pytest.mark.fault(code="DRV-CUDA", by="recorded tree")
@pytest.mark.fault(code="DRV-HEADERS", by="recorded tree")
@pytest.mark.parametrize(("code", "options"), REFUSED)
def test_what_cannot_work_is_refused_and_nothing_is_changed(root: Path, code: str, options: dict[str, t.Any]) -> None:
    """Recorded tree."""
    runner = programs()
    with pytest.raises(DriverError) as caught:
        ensure(root, runner, **options)

    assert [f.code for f in caught.value.findings] == [code]
    assert runner.called("apt-get", "-y") == []
    assert not (root / MODPROBE).exists()


@pytest.mark.fault(code="DRV-HEADERS", by="recorded tree")
def test_a_kernel_without_headers_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    """Recorded tree."""
    root = hosts.make_host(tmp_path, kernel="6.18.44-custom", headers=False)
    with pytest.raises(DriverError, match=r"DRV-HEADERS kernel 6\.18\.44-custom[\s\S]*linux-headers-6\.1\.0-56-amd64"):
        ensure(root, programs())


@pytest.mark.fault(code="DRV-DISTRIBUTION", by="recorded tree")
@pytest.mark.parametrize("release", ['ID=fedora\nVERSION_ID="42"\n', 'ID=debian\nVERSION_ID="9"\n', ""])
def test_an_unknown_distribution_is_refused(root: Path, release: str) -> None:
    """Recorded tree."""
    hosts.write(root, {"etc/os-release": release})
    with pytest.raises(DriverError, match="DRV-DISTRIBUTION"):
        ensure(root, programs())


@pytest.mark.fault(code="DRV-NETWORK", by="recorded tree")
def test_an_archive_out_of_reach_is_told(root: Path) -> None:
    """Recorded output of apt."""
    runner = programs()
    runner.said[("apt-get", "update")] = (100, UNREACHABLE)
    with pytest.raises(DriverError, match=r"DRV-NETWORK[\s\S]*Could not resolve"):
        ensure(root, runner)

    assert not (root / MODPROBE).exists()


@pytest.mark.fault(code="DRV-HOLD", by="recorded tree")
def test_somebody_elses_hold_is_respected(root: Path) -> None:
    """Recorded tree."""
    hosts.set_packages(root, {"libcuda1": "535.309.01-0+deb12u1"}, held=["libcuda1"])
    with pytest.raises(DriverError, match=r"DRV-HOLD[\s\S]*libcuda1 535\.309\.01"):
        ensure(root, programs())


def test_a_hold_of_our_own_is_lifted_for_another_pin(root: Path) -> None:
    """Recorded tree."""
    runner = present(root)
    ensure_options = {"flavour": Flavour.PROPRIETARY, "version": "535.309.01", "check_mode": True}
    outcome = ensure(root, runner, **ensure_options)

    assert runner.statuses[-1].count("Status: hold ") == 0
    assert "nvidia-open-kernel-dkms is to be removed: it is the other kernel module's" in outcome.reasons
    assert "nvidia-kernel-dkms=535.309.01-0+deb12u1 is to be installed" in outcome.reasons


def test_the_other_kernel_module_goes(root: Path) -> None:
    """Recorded tree: both are installed, and either may load."""
    runner = present(root)
    driver = dict.fromkeys((*hosts.OPEN, "nvidia-kernel-dkms"), "535.261.03-1")
    hosts.set_packages(root, {**driver, **hosts.BESIDE}, held=driver)
    outcome = ensure(root, runner, check_mode=True)

    assert outcome.reasons == ("nvidia-kernel-dkms is to be removed: it is the other kernel module's",)


@pytest.mark.fault(code="DRV-VERSION", by="recorded tree")
def test_an_open_module_that_knows_not_the_card_is_refused(root: Path) -> None:
    """Recorded tree."""
    hosts.add_card(root, hosts.GTX_1080, name="GP104 [GeForce GTX 1080]")
    with pytest.raises(DriverError, match=r"DRV-VERSION open module[\s\S]*GTX 1080"):
        ensure(root, programs())


def test_a_user_who_is_not_root_is_told_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded tree."""
    monkeypatch.setattr(ensure_module.os, "geteuid", lambda: 1000)
    with pytest.raises(DriverError, match="PLB-INPUT user"):
        ensure(root, programs())

    assert not (root / MODPROBE).exists()


LOG = "for kernel 6.12.107+deb13-amd64\nnv-pci.c:205:9: error: too few arguments to function 'x'\nmake: *** Error 2\n"


@pytest.mark.fault(code="DRV-BUILD", by="recorded tree")
def test_a_build_that_fails_leaves_dpkg_usable(root: Path) -> None:
    """Recorded tree and log of a real failure."""
    runner = programs()

    def fail() -> str:
        hosts.set_packages(root, {"nvidia-open-kernel-dkms": "535.261.03-1"}, states=HALF)
        hosts.write(root, {"var/lib/dkms/nvidia-current-open/535.261.03/build/make.log": LOG})
        return "E: Sub-process /usr/bin/dpkg returned an error code (1)\n"

    def remove() -> str:
        hosts.set_packages(root, {})
        return ""

    runner.said |= {("apt-get", "-y", "install"): (100, fail), ("dpkg", "--remove"): (0, remove)}
    with pytest.raises(DriverError, match=r"DRV-BUILD[\s\S]*6\.12\.107\+deb13-amd64[\s\S]*too few arg") as caught:
        ensure(root, runner)

    assert runner.called("dpkg", "--remove", "nvidia-open-kernel-dkms")
    assert caught.value.details["dpkg"] == "usable"
    assert not (root / FILES[0]).exists()


HALF = {"nvidia-open-kernel-dkms": "half-configured"}


@pytest.mark.fault("F02", code="DRV-MODULE", when="plan", by="recorded tree")
def test_a_newer_installed_kernel_without_a_module_is_told(root: Path) -> None:
    """Recorded tree: the running kernel works, the one that boots next does not."""
    runner = present(root)
    hosts.write(root, {"lib/modules/6.1.0-60-amd64/modules.dep": ""})
    outcome = ensure(root, runner)

    assert [(f.code, f.subject) for f in outcome.findings] == [("DRV-MODULE", "kernel 6.1.0-60-amd64")]
    assert "its headers are missing" in outcome.findings[0].cause


@pytest.mark.fault("F02", code="DRV-MODULE", when="plan", by="recorded tree")
def test_a_wanted_kernel_without_a_module_is_an_error(root: Path) -> None:
    """Recorded tree: DKMS said nothing and built nothing."""
    with pytest.raises(DriverError, match=f"DRV-MODULE kernel {KERNEL}"):
        ensure(root, installing(root, programs(), kernels=()))


@pytest.mark.fault(code="DRV-MODULE", by="recorded tree")
def test_a_module_built_for_another_kernel_is_told(root: Path) -> None:
    """Recorded tree."""
    runner = present(root)
    runner.said[("modinfo", "vermagic")] = (0, "6.1.0-50-amd64 SMP preempt mod_unload modversions\n")
    with pytest.raises(DriverError, match=r"DRV-MODULE[\s\S]*built for kernel 6\.1\.0-50-amd64"):
        ensure(root, runner)


@pytest.mark.fault(code="DRV-REBOOT", by="recorded tree")
@pytest.mark.fault("F01", code="DRV-MISMATCH", when="plan", by="recorded tree")
def test_library_and_loaded_module_of_different_versions(root: Path) -> None:
    """Recorded tree."""
    hosts.add_card(root)
    outcome = ensure(root, present(root, loaded="535.247.01"))

    assert [f.code for f in outcome.findings] == ["DRV-MISMATCH", "DRV-REBOOT"]
    assert [outcome.findings[0].cause] == list(outcome.reboot)
    assert outcome.to_result()["reboot_required"] is True


@pytest.mark.fault(code="DRV-REBOOT", by="recorded tree")
def test_nouveau_on_the_card_needs_a_reboot(root: Path) -> None:
    """Recorded tree."""
    hosts.add_card(root)
    runner = present(root)
    hosts.write(root, {"sys/module/nouveau/refcnt": "1"})

    assert ensure(root, runner).reboot == ("nouveau is loaded and holds the card",)


EFI = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
SIGNED = ("DKMS module signing key", "/var/lib/dkms/mok.pub is already enrolled\n")
SIGNATURES = [SIGNED, ("", SIGNED[1]), (SIGNED[0], "/var/lib/dkms/mok.pub is not enrolled\n")]


def secure(root: Path, signer: str, enrolled: str) -> Programs:
    runner = present(root)
    (root / EFI).parent.mkdir(parents=True)
    (root / EFI).write_bytes(b"\x06\0\0\0\x01")
    hosts.write(root, {"var/lib/dkms/mok.pub": "key"})
    runner.said |= {("modinfo", "signer"): (0, signer), ("mokutil",): (0, enrolled)}
    return runner


def test_an_enrolled_key_passes_secure_boot(root: Path) -> None:
    """Recorded tree."""
    assert ensure(root, secure(root, *SIGNED)).findings == ()


@pytest.mark.fault("F03", code="DRV-SECUREBOOT", when="plan", by="recorded tree")
@pytest.mark.parametrize(("signer", "enrolled"), SIGNATURES[1:])
def test_a_module_that_secure_boot_refuses(root: Path, signer: str, enrolled: str) -> None:
    """Recorded tree."""
    with pytest.raises(DriverError, match="DRV-SECUREBOOT"):
        ensure(root, secure(root, signer, enrolled))


@pytest.mark.fault("F03", code="DRV-SECUREBOOT", when="plan", by="recorded tree")
def test_what_modprobe_says_counts(root: Path) -> None:
    """Recorded words of modprobe."""
    hosts.add_card(root)
    runner = present(root)
    runner.said[("modprobe",)] = (1, "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service\n")
    with pytest.raises(DriverError, match="DRV-SECUREBOOT"):
        ensure(root, runner)


def test_a_module_that_is_not_loaded_is_loaded(root: Path) -> None:
    """Recorded tree: the host came up without it."""
    hosts.add_card(root)
    runner = present(root)
    checked = ensure(root, runner, check_mode=True)

    assert checked.reasons == ("the module is to be loaded",)
    assert runner.called("modprobe") == []
    assert ensure(root, runner).changed
    assert runner.called("modprobe", "nvidia")


@pytest.mark.fault(code="DRV-MODULE", by="recorded tree")
def test_a_module_that_the_kernel_does_not_take(root: Path) -> None:
    """Recorded words of modprobe."""
    hosts.add_card(root)
    runner = present(root)
    runner.said[("modprobe",)] = (1, "modprobe: ERROR: could not insert 'nvidia': No such device\n")
    with pytest.raises(DriverError, match=r"DRV-MODULE nvidia[\s\S]*No such device"):
        ensure(root, runner)


HOLD = "import fcntl,sys; f=open(sys.argv[1],'a'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); input()"


@pytest.mark.fault(code="DRV-LOCKED", by="real")
def test_the_holder_of_dpkgs_lock_is_named(root: Path) -> None:
    """Real: another process holds a real lock."""
    path = root / "var/lib/dpkg/lock-frontend"
    path.touch()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(DriverError, match=rf"DRV-LOCKED /var/lib/dpkg/lock-frontend[\s\S]*process {process.pid}"):
            wait_for_dpkg(root, 0)
        process.communicate(b"\n")

    wait_for_dpkg(root, 0)


def test_a_lock_that_is_given_back_is_waited_for(root: Path) -> None:
    """Real: the lock goes while we wait."""
    path = root / "var/lib/dpkg/lock-frontend"
    path.touch()
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        process.communicate(b"\n")

    wait_for_dpkg(root, 60, sleep=sleep)

    assert len(waits) == 1
