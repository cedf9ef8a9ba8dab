"""Facts about the driver, asked of dpkg, DKMS and the built module. There is no card: nothing here proves one."""

from __future__ import annotations

import pytest

testinfra_hosts = ["ansible://harvis"]
KERNEL = "6.1.0-50-amd64"
ALIGNED = ("nvidia-open-kernel-dkms", "libcuda1", "libnvidia-ml1", "nvidia-smi")


def version(host):
    """Of the kernel package, without Debian's revision."""
    return host.package(ALIGNED[0]).version


@pytest.mark.parametrize("name", ALIGNED)
def test_package_is_installed_in_the_drivers_version_and_held(host, name):
    shown = host.check_output("dpkg-query -W -f '${Status} ${Version}' %s", name)
    assert shown.startswith("hold ok installed ")
    assert shown.split()[-1].partition("-")[0] == version(host).partition("-")[0]


def test_dpkg_has_nothing_half_done(host):
    assert host.check_output("dpkg --audit") == ""


def test_module_was_built_for_the_kernel(host):
    modinfo = host.check_output("/sbin/modinfo -k %s nvidia-current-open", KERNEL)
    fields = dict(line.split(":", 1) for line in modinfo.splitlines() if line.startswith(("version:", "vermagic:")))
    assert fields["vermagic"].split()[0] == KERNEL
    assert fields["version"].strip() == version(host).partition("-")[0]


def test_dkms_lists_it_as_installed(host):
    assert f"{KERNEL}, x86_64: installed" in host.check_output("/usr/sbin/dkms status")


def test_nouveau_is_kept_away(host):
    configuration = host.check_output("/sbin/modprobe --showconfig").splitlines()
    assert "blacklist nouveau" in configuration


def test_a_forced_open_module_takes_a_geforce_card(host):
    configuration = host.check_output("/sbin/modprobe --showconfig").splitlines()
    assert "options nvidia_current_open NVreg_OpenRmEnableUnsupportedGpus=1" in configuration


def test_an_upgrade_keeps_module_and_library_together(host):
    planned = host.check_output("apt-get -s -q dist-upgrade").splitlines()
    assert [line for line in planned if line.startswith("Inst") and line.split()[1] in ALIGNED] == []


def test_the_library_is_the_modules(host):
    library = host.check_output("find /usr/lib -name 'libnvidia-ml.so.5*'")
    assert library.endswith(version(host).partition("-")[0])
