"""Host rules that pod traffic needs, all of them found and removed again by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner

TABLE = "harvis"
COMMENT = "harvis-platform"
# Chains that kubelet and the portmap plugin leave in iptables, and tables of kube-proxy's nftables mode.
CHAINS = re.compile(r"^:((?:KUBE|CNI)-\S+)", re.MULTILINE)


@dataclass(frozen=True)
class PodNetwork:
    """Masquerading for pods that leave the host, and a way past a firewall that drops forwarded packets."""

    spec: ClusterSpec
    runner: Runner

    def ensure(self) -> bool:
        """Make the rules that are missing; True if there were any."""
        changed = self._ensure_masquerade()
        return self._ensure_forward() or changed

    def remove(self) -> None:
        self._quiet("nft", "delete", "table", "ip", TABLE)
        for family in ("ip", "ip6"):
            self._quiet("nft", "delete", "table", family, "kube-proxy")
        for tool in ("iptables", "ip6tables"):
            self._remove_iptables(tool)

    def _ensure_masquerade(self) -> bool:
        if self._quiet("nft", "list", "table", "ip", TABLE):
            return False
        subnet = self.spec.pod_subnet
        rules = (
            f"table ip {TABLE} {{\n chain postrouting {{\n  type nat hook postrouting priority 100;\n"
            f"  ip saddr {subnet} ip daddr != {subnet} masquerade;\n }}\n}}\n"
        )
        self.runner.run(["nft", "-f", "-"], stdin=rules)
        return True

    def _ensure_forward(self) -> bool:
        """A Docker daemon on the host sets FORWARD to DROP, which would silently cut pods off."""
        saved = self._output("iptables-save", "-t", "filter")
        if ":FORWARD DROP" not in saved or COMMENT in saved:
            return False
        for direction in ("-s", "-d"):
            rule = [direction, self.spec.pod_subnet, "-m", "comment", "--comment", COMMENT, "-j", "ACCEPT"]
            self.runner.run(["iptables", "-I", "FORWARD", *rule])
        return True

    def _remove_iptables(self, tool: str) -> None:
        for table in ("filter", "nat", "mangle"):
            saved = self._output(f"{tool}-save", "-t", table)
            rules = [r for r in saved.splitlines() if r.startswith("-A") and re.search(rf"(KUBE|CNI)-|{COMMENT}", r)]
            for rule in rules:
                words = [w.strip('"') for w in re.findall(r'"[^"]*"|\S+', rule)]
                self._quiet(tool, "-t", table, "-D", *words[1:])
            for chain in CHAINS.findall(saved):
                self._quiet(tool, "-t", table, "-X", chain)

    def _output(self, *argv: str) -> str:
        return self.runner.run(argv, check=False).stdout

    def _quiet(self, *argv: str) -> bool:
        return self.runner.run(argv, check=False).rc == 0
