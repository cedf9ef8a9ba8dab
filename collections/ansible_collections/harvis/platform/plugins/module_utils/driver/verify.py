"""Looking at the result: is there a module for every kernel, made for it, that the kernel will take?"""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.driver.dkms import Build, parse_status
from ansible_collections.harvis.platform.plugins.module_utils.driver.errors import DriverError
from ansible_collections.harvis.platform.plugins.module_utils.driver.host import DriverHost
from ansible_collections.harvis.platform.plugins.module_utils.driver.plan import Plan
from ansible_collections.harvis.platform.plugins.module_utils.driver.secureboot import check_signature
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner


def read_builds(host: DriverHost, runner: Runner) -> tuple[Build, ...]:
    """Nothing where DKMS is not installed."""
    if not host.packages.installed("dkms"):
        return ()
    return parse_status(runner.run(["dkms", "status"], check=False, timeout=60).stdout)


def check_modules(
    host: DriverHost, plan: Plan, builds: t.Sequence[Build], module: str, runner: Runner
) -> tuple[Finding, ...]:
    """The wanted kernels first, then the other installed ones: the host may boot any of them."""
    kernels = dict.fromkeys((*plan.kernels, *host.kernels))
    built = {b.kernel for b in builds if b.is_installed and b.version == plan.version.text}
    found = [_not_built(host, plan, kernel) for kernel in kernels if kernel not in built]
    for kernel in (k for k in kernels if k in built):
        magic = _modinfo(runner, kernel, module, "vermagic")
        if magic and magic.split()[0] != kernel:
            found.append(_other_kernel(kernel, module, magic))
        if kernel == host.running:
            found += check_signature(host.root, runner, _modinfo(runner, kernel, module, "signer"))
    return tuple(found)


def waits_for_module(host: DriverHost) -> bool:
    """A card is there and no module has it."""
    return bool(host.cards) and not host.loaded and not host.nouveau


def load_module(host: DriverHost, runner: Runner) -> tuple[Finding, ...]:
    """Load it where a card waits for it; the package manager says nothing of a module that the kernel refuses."""
    if not waits_for_module(host):
        return ()
    done = runner.run(["modprobe", "nvidia"], check=False, timeout=120)
    if not done.rc:
        return ()
    if "Key was rejected" in done.tail or "Required key not available" in done.tail:
        cause = "the kernel refused the module: it is not signed with a key that is enrolled"
        fix = "Run `mokutil --import /var/lib/dkms/mok.pub`, reboot and enrol it, or switch Secure Boot off."
        return (Finding("DRV-SECUREBOOT", "nvidia", cause, done.tail, fix),)
    cause = f"the kernel {host.running} does not take the module"
    fix = "Read the kernel's log (dmesg | grep -i nvrm): it names what the module found wrong with the card."
    return (Finding("DRV-MODULE", "nvidia", cause, done.tail, fix),)


def blocking(findings: t.Sequence[Finding], plan: Plan) -> DriverError | None:
    """What keeps a wanted kernel from using the card; the rest is told and no failure."""
    wanted = {f"kernel {kernel}" for kernel in plan.kernels} | {"nvidia"}
    stopping = [f for f in findings if f.subject in wanted and f.code in ("DRV-MODULE", "DRV-SECUREBOOT")]
    return DriverError(*stopping) if stopping else None


def _not_built(host: DriverHost, plan: Plan, kernel: str) -> Finding:
    lacking = kernel not in host.headers
    return Finding(
        "DRV-MODULE",
        f"kernel {kernel}",
        f"has no NVIDIA module {plan.version}" + (": its headers are missing" if lacking else ""),
        f"dkms status does not list it as installed; running kernel {host.running}",
        f"Install linux-headers-{kernel}, or name the kernel in kernels"
        if lacking
        else f"dkms autoinstall -k {kernel}",
    )


def _other_kernel(kernel: str, module: str, magic: str) -> Finding:
    return Finding(
        "DRV-MODULE",
        f"kernel {kernel}",
        f"has a module that was built for kernel {magic.split()[0]}",
        f"modinfo -k {kernel} -F vermagic {module}: {magic}",
        f"dkms remove and install it again for {kernel}; leftover module folders confuse DKMS.",
    )


def _modinfo(runner: Runner, kernel: str, module: str, field: str) -> str:
    try:
        return runner.run(["modinfo", "-k", kernel, "-F", field, module], check=False, timeout=20).stdout.strip()
    except ProcessError:
        return ""
