"""Host rules for pods: made once, found again, removed without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.cluster.network import PodNetwork
from ansible_collections.harvis.platform.tests.unit.fakes import Answer, FakeRunner, cluster_spec

LIST = ("nft", "list", "table", "ip", "harvis")
FILTER = ("iptables-save", "-t", "filter")
OPEN = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"
CLOSED = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\nCOMMIT\n"
OURS = CLOSED.replace("COMMIT", "-A FORWARD -s 10.244.0.0/24 -m comment --comment harvis-platform -j ACCEPT\nCOMMIT")
RULES = """table ip harvis {
 chain postrouting {
  type nat hook postrouting priority 100;
  ip saddr 10.244.0.0/24 ip daddr != 10.244.0.0/24 masquerade;
 }
}
"""
FORWARD = [
    ("iptables", "-I", "FORWARD", way, "10.244.0.0/24", "-m", "comment", "--comment", "harvis-platform", "-j", "ACCEPT")
    for way in ("-s", "-d")
]
MAKE = ("nft", "-f", "-")

CASES = [
    pytest.param(1, OPEN, [LIST, MAKE, FILTER], True, id="bare host"),
    pytest.param(0, OPEN, [LIST, FILTER], False, id="all there"),
    pytest.param(0, CLOSED, [LIST, FILTER, *FORWARD], True, id="a firewall drops what is forwarded"),
    pytest.param(0, OURS, [LIST, FILTER], False, id="the way past the firewall is there"),
]


@pytest.mark.parametrize(("table", "saved", "calls", "changed"), CASES)
def test_missing_rules_are_made(
    tmp_path: Path, table: int, saved: str, calls: list[tuple[str, ...]], changed: bool
) -> None:
    runner = FakeRunner({LIST: table, FILTER: saved})

    assert PodNetwork(cluster_spec(tmp_path), runner).ensure() is changed
    assert runner.calls == calls
    assert [i for i in runner.inputs if i] == ([RULES] if MAKE in calls else [])


SAVED = """*nat
:PREROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A PREROUTING -i eth0 -j ACCEPT
-A KUBE-MARK-MASQ -m comment --comment "a rule of kubelet" -j MARK --set-xmark 0x4000/0x4000
COMMIT
"""


def test_removal_takes_our_rules_and_nobody_elses(tmp_path: Path) -> None:
    answers: dict[tuple[str, ...], Answer] = {("iptables-save", "-t", "nat"): SAVED, FILTER: OURS}
    runner = FakeRunner(answers)

    PodNetwork(cluster_spec(tmp_path), runner).remove()

    tables = [
        ("nft", "delete", "table", "ip", "harvis"),
        *(("nft", "delete", "table", f, "kube-proxy") for f in ("ip", "ip6")),
    ]
    nat = ("iptables", "-t", "nat")
    mark = ("-m", "comment", "--comment", "a rule of kubelet", "-j", "MARK", "--set-xmark", "0x4000/0x4000")
    assert [c for c in runner.calls if "save" not in c[0]] == [
        *tables,
        ("iptables", "-t", "filter", "-D", *FORWARD[0][2:]),
        (*nat, "-D", "PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-j", "CNI-HOSTPORT-DNAT"),
        (*nat, "-D", "KUBE-MARK-MASQ", *mark),
        (*nat, "-X", "KUBE-MARK-MASQ"),
        (*nat, "-X", "CNI-HOSTPORT-DNAT"),
    ]


def test_removal_goes_on_where_a_tool_fails(tmp_path: Path) -> None:
    runner = FakeRunner({("nft",): 1, ("iptables-save",): 1, ("ip6tables-save",): 1})

    PodNetwork(cluster_spec(tmp_path), runner).remove()

    assert runner.calls[-1] == ("ip6tables-save", "-t", "mangle")
