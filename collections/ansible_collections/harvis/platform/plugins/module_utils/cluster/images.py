"""Images of the control plane: made from the programs in ``bin_dir`` and put where the kubelet sees them."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.cluster.static_image import StaticImage
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner

# kube-proxy in nftables mode runs nft; kubelet and kube-proxy look for leftovers of other modes with iptables.
PROXY_TOOLS = ("/usr/sbin/nft", "/usr/sbin/conntrack", "/usr/sbin/xtables-nft-multi")
ROOT_LINKS = (("/lib64", "usr/lib64"), ("/lib", "usr/lib"), ("/sbin", "usr/sbin"), ("/bin", "usr/bin"))
IPTABLES_LINKS = tuple(
    (f"/usr/sbin/{name}", "xtables-nft-multi")
    for base in ("iptables", "ip6tables")
    for name in (base, f"{base}-save", f"{base}-restore")
)


@dataclass(frozen=True)
class ControlPlaneImages:
    """The images of one cluster, kept in containerd's ``k8s.io`` namespace."""

    spec: ClusterSpec
    runner: Runner

    def missing(self) -> list[str]:
        """Programs whose image the runtime does not hold with the digest we recorded for it."""
        recorded, held = self._recorded(), self._held()
        return [n for n, ref in self.spec.images.items() if not recorded.get(ref) or held.get(ref) != recorded[ref]]

    def ensure(self) -> list[str]:
        """Import what is missing; returns the programs that were."""
        missing = self.missing()
        recorded = self._recorded()
        for name in missing:
            archive = self.spec.data_dir / "images" / f"{name}.tar"
            image = self._image(name)
            recorded[image.reference] = image.write(archive)
            self._ctr("images", "import", str(archive))
            archive.unlink()
        if missing:
            self._record.write_text(json.dumps(recorded, indent=1) + "\n")
        return missing

    def _image(self, name: str) -> StaticImage:
        program = Path(self.spec.program(name))
        reference = self.spec.images[name]
        if name == "kube-proxy":
            files = {"/usr/local/bin/kube-proxy": program, **self._with_libraries(PROXY_TOOLS)}
            return StaticImage(reference, files, links=(*ROOT_LINKS, *IPTABLES_LINKS))
        inside = {"coredns": "/coredns", "pause": "/pause"}.get(name, f"/usr/local/bin/{name}")
        return StaticImage(reference, {inside: program}, entrypoint=(inside,) if inside.count("/") == 1 else ())

    def _with_libraries(self, tools: t.Sequence[str]) -> dict[str, Path]:
        """Programs of this host and every shared library they load, by their paths below /usr."""
        found = [t for t in tools if Path(t).exists()]
        listing = self.runner.run(["ldd", *found]).stdout
        libraries = set(re.findall(r"(/\S+\.so\S*)", listing))
        return {_below_usr(path): Path(path).resolve() for path in (*found, *sorted(libraries))}

    @property
    def _record(self) -> Path:
        return self.spec.containerd_root / "control-plane-images.json"

    def _recorded(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._record.read_text()))
        except (OSError, ValueError):
            return {}

    def _held(self) -> dict[str, str]:
        rows = [line.split() for line in self._ctr("images", "ls").splitlines()[1:]]
        return {row[0]: row[2] for row in rows if len(row) > 2}

    def _ctr(self, *arguments: str) -> str:
        return self.runner.run(["ctr", "--address", str(self.spec.socket), "-n", "k8s.io", *arguments]).stdout


def _below_usr(path: str) -> str:
    return path if path.startswith("/usr/") else f"/usr{path}"
