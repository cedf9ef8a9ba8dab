"""The driver's small parts, each with a table. No program runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.driver.archive import Archive, parse_madison
from ansible_collections.harvis.platform.plugins.module_utils.driver.candidates import candidates, choose, flavours
from ansible_collections.harvis.platform.plugins.module_utils.driver.cuda import check_cuda, native_cuda
from ansible_collections.harvis.platform.plugins.module_utils.driver.debian import package_set, sources
from ansible_collections.harvis.platform.plugins.module_utils.driver.dkms import Build, parse_status, read_failed_build
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import DriverError
from ansible_collections.harvis.platform.plugins.module_utils.driver.options import Flavour, Options, Repository
from ansible_collections.harvis.platform.plugins.module_utils.driver.packages import is_driver_name, read_packages
from ansible_collections.harvis.platform.plugins.module_utils.driver.ubuntu import package_set as ubuntu_set
from ansible_collections.harvis.platform.plugins.module_utils.driver.version import DriverVersion
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.driver import hosts

VERSIONS = [
    ("535.261.03-1", "535.261.03"),
    ("1:550.54.15-0ubuntu1", "550.54.15"),
    ("20220217+3~deb12u1", None),
    ("1.2.2", None),
]


@pytest.mark.parametrize(("package", "upstream"), VERSIONS)
def test_a_version_is_read_from_a_packages(package: str, upstream: str | None) -> None:
    found = DriverVersion.of_package(package)

    assert (found and found.text) == upstream


def test_versions_are_ordered_as_numbers() -> None:
    assert DriverVersion("535.98") < DriverVersion("535.261.03") < DriverVersion("550.1")


NAMES = [
    ("nvidia-smi", True),
    ("libcuda1", True),
    ("firmware-nvidia-gsp", True),
    ("libnvidia-ptxjitcompiler1", True),
    ("nvidia-container-toolkit", False),
    ("libnvidia-container1", False),
    ("nvidia-cuda-toolkit", False),
    ("libcudart12", False),
    ("zlib1g", False),
]


@pytest.mark.parametrize(("name", "ours"), NAMES)
def test_the_drivers_own_packages_are_known_by_name(name: str, ours: bool) -> None:
    assert is_driver_name(name) is ours


CUDA_NOTES = [("535.261.03", "12.2", False), ("535.261.03", "12.4", True), ("580.65.06", "12.4", False)]


@pytest.mark.parametrize(("version", "cuda", "noted"), CUDA_NOTES)
def test_a_driver_that_serves_the_images_cuda_passes(version: str, cuda: str, noted: bool) -> None:
    assert bool(check_cuda(DriverVersion(version), cuda)) is noted


@pytest.mark.fault("F04", code="DRV-CUDA", when="plan", by="recorded tree")
@pytest.mark.parametrize(("version", "cuda"), [("470.256.02", "12.4"), ("535.261.03", "13.0"), ("525.53", "12.1")])
def test_a_driver_too_old_for_the_images_cuda_is_refused(version: str, cuda: str) -> None:
    with pytest.raises(DriverError, match="DRV-CUDA"):
        check_cuda(DriverVersion(version), cuda)


@pytest.mark.parametrize(
    ("version", "cuda"), [("535.1", "12.2"), ("540.1", "12.2"), ("390.157", ""), ("999.1", "13.0")]
)
def test_the_cuda_of_a_branch(version: str, cuda: str) -> None:
    assert native_cuda(DriverVersion(version)) == cuda


RULES = [
    (Flavour.AUTO, False, True, "535.261.03", Flavour.PROPRIETARY),
    (Flavour.AUTO, True, True, "535.261.03", Flavour.OPEN),
    (Flavour.AUTO, False, True, "545.1", Flavour.OPEN),
    (Flavour.AUTO, False, False, "545.1", Flavour.PROPRIETARY),
    (Flavour.OPEN, False, True, "535.261.03", Flavour.OPEN),
    (Flavour.PROPRIETARY, True, True, "580.1", Flavour.PROPRIETARY),
]


@pytest.mark.parametrize(("wanted", "data_centre", "takes_open", "version", "chosen"), RULES)
def test_the_rule_for_the_flavour(
    wanted: Flavour, data_centre: bool, takes_open: bool, version: str, chosen: Flavour
) -> None:
    rule = flavours(Options(flavour=wanted), data_centre=data_centre, takes_open=takes_open)

    assert rule(DriverVersion(version)) is chosen


def test_only_versions_that_are_whole_count() -> None:
    """Recorded output: the newest libraries have no open module of their version."""
    archive = parse_madison(hosts.MADISON)
    found = {
        f: [str(c.version) for c in candidates(archive, package_set(Repository.DISTRIBUTION, f), f)]
        for f in (Flavour.OPEN, Flavour.PROPRIETARY)
    }

    assert found == {Flavour.OPEN: ["535.261.03"], Flavour.PROPRIETARY: ["535.309.01", "535.261.03"]}


def test_names_with_a_branch_are_found() -> None:
    names = [n.format(branch=b) for b in (535, 550) for n in ubuntu_set(Repository.DISTRIBUTION, Flavour.OPEN).aligned]
    archive = Archive({name: (f"{name.split('-')[2][:3]}.1.2-0ubuntu1",) for name in names if "dkms" in name})
    archive = Archive({n: ("550.1.2-0ubuntu1",) if "550" in n else ("535.1.2-0ubuntu1",) for n in names})
    found = candidates(archive, ubuntu_set(Repository.DISTRIBUTION, Flavour.OPEN), Flavour.OPEN)

    assert [(str(c.version), c.packages[0][0]) for c in found] == [
        ("550.1.2", "nvidia-dkms-550-open"),
        ("535.1.2", "nvidia-dkms-535-open"),
    ]


PINS = [({}, "535.309.01"), ({"version": "535.261.03"}, "535.261.03"), ({"branch": "535"}, "535.309.01")]


@pytest.mark.parametrize(("pins", "chosen"), PINS)
def test_a_pin_chooses(pins: dict[str, str], chosen: str) -> None:
    found = list(proprietary())
    rule = flavours(Options(), data_centre=False, takes_open=True)

    assert str(choose(found, Options(**pins), rule).version) == chosen


@pytest.mark.parametrize("pins", [{"version": "535.1.1"}, {"branch": "550"}])
def test_a_version_that_the_archive_lacks_is_refused_with_the_list(pins: dict[str, str]) -> None:
    rule = flavours(Options(), data_centre=False, takes_open=True)
    with pytest.raises(DriverError, match=r"DRV-VERSION[\s\S]*535\.309\.01 \(proprietary\), 535\.261\.03"):
        choose(list(proprietary()), Options(**pins), rule)


def proprietary():
    packages = package_set(Repository.DISTRIBUTION, Flavour.PROPRIETARY)
    return candidates(parse_madison(hosts.MADISON), packages, Flavour.PROPRIETARY)


BAD_OPTIONS = [{"branch": "new"}, {"version": "latest"}, {"branch": "550", "version": "535.1"}]


@pytest.mark.parametrize("pins", [*BAD_OPTIONS, {"repository": Repository.NVIDIA}])
def test_options_that_cannot_be_meant_are_refused(pins: dict[str, str]) -> None:
    with pytest.raises(DriverError, match="PLB-INPUT"):
        Options(**pins)


STATUS = """\
nvidia-current-open/535.261.03, 6.1.0-56-amd64, x86_64: installed
nvidia, 470.1, 5.10.0-1-amd64, x86_64: built
nvidia-current/535.309.01: added
v4l2loopback/0.12, 6.1.0-56-amd64, x86_64: installed
"""


def test_dkms_status_of_both_forms() -> None:
    assert parse_status(STATUS) == (
        Build("nvidia-current-open", "535.261.03", "6.1.0-56-amd64", "installed"),
        Build("nvidia", "470.1", "5.10.0-1-amd64", "built"),
        Build("nvidia-current", "535.309.01", "", "added"),
    )


LOG = """\
DKMS make.log for nvidia-current-open-550.163.01 for kernel 6.12.107+deb13-amd64 (x86_64)
make: Entering directory
nvidia/nv-pci.c:205:9: error: too few arguments to function 'pci_resize_resource'
make[3]: *** [nv-pci.o] Error 1
"""


def test_the_log_of_a_failed_build_names_kernel_and_error(tmp_path: Path) -> None:
    hosts.write(tmp_path, {"var/lib/dkms/nvidia-current-open/550.163.01/build/make.log": LOG})
    found = read_failed_build(tmp_path)

    assert found is not None
    assert (found.kernel, found.error) == ("6.12.107+deb13-amd64", LOG.splitlines()[2])
    assert found.tail.endswith("Error 1")


def test_a_successful_build_leaves_no_log_there(tmp_path: Path) -> None:
    hosts.write(tmp_path, {"var/lib/dkms/nvidia/535.1/6.1.0/x86_64/log/make.log": LOG})

    assert read_failed_build(tmp_path) is None


def test_dpkgs_database_is_read(tmp_path: Path) -> None:
    states = {"b": "half-configured", "c": "config-files", "d": "not-installed"}
    hosts.set_packages(tmp_path, dict.fromkeys("abcd", "1.0"), held=["a"], states=states)
    found = read_packages(tmp_path)

    assert {p.name: (p.held, p.is_installed, p.is_broken) for p in found.by_name.values()} == {
        "a": (True, True, False),
        "b": (False, False, True),
        "c": (False, False, False),
    }


def test_components_are_added_to_the_hosts_own_suites(tmp_path: Path) -> None:
    lines = "deb http://mirror/debian bookworm main contrib\ndeb http://mirror/security bookworm-security main\n"
    hosts.write(tmp_path, {"etc/apt/sources.list": lines + "deb http://else/ stable main\n"})
    text = sources(Repository.DISTRIBUTION, {"VERSION_CODENAME": "bookworm"}, tmp_path, "")

    assert text == (
        "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm\nComponents: non-free non-free-firmware\n\n"
        "Types: deb\nURIs: http://mirror/security\nSuites: bookworm-security\n"
        "Components: contrib non-free non-free-firmware\n"
    )
