#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: embedded_cluster
short_description: Make, adopt or take down the one Kubernetes of a host
version_added: 0.1.0
author: Harvis Platform maintainers (@harvis)
description:
  - Runs kubeadm's control plane on this host with a containerd of its own, under systemd or supervisor.
  - A cluster is marked by a file that names its certificate authority. State without the mark is never touched.
  - A cluster whose processes were killed is brought back with its data, processes that a signal holds go on, and
    kubeadm's certificates are renewed in the last month of their year.
extends_documentation_fragment: harvis.platform.attributes
attributes:
  check_mode: {support: full}
  diff_mode: {support: none, details: O(state) and the returned RV(reasons) say what would be done.}
  idempotent: {support: full}
options:
  state:
    description:
      - V(absent) removes processes, mounts, interfaces, firewall rules and cluster state.
      - Data, packages and caches stay.
    choices: [present, absent]
    default: present
    type: str
  version: {description: Kubernetes version of the programs., type: str, required: true}
  etcd_version: {description: Version of etcd., type: str, required: true}
  coredns_version: {description: Version of CoreDNS., type: str, required: true}
  pause_version: {description: Version of the sandbox image., type: str, default: v1}
  address: {description: IPv4 address of the node., type: str, required: true}
  node_name: {description: Name of the node., type: str, required: true}
  bin_dir: {description: Folder of the programs., type: path, required: true}
  data_dir: {description: Folder of everything the platform keeps., type: path, required: true}
  run_dir: {description: Folder of sockets and pid files., type: path, default: /run/harvis}
  pod_subnet: {description: Addresses of pods., type: str, default: 10.244.0.0/24}
  volumes: {description: Folders for hostPath volumes., type: list, elements: str, default: []}
  volume_owner: {description: User id that owns them., type: int, default: 10001}
  service_subnet: {description: Addresses of Services., type: str, default: 10.96.0.0/16}
"""

EXAMPLES = r"""
- name: Bring the cluster up
  harvis.platform.embedded_cluster:
    version: v1.34.4
    etcd_version: v3.6.4
    coredns_version: v1.12.4
    address: 192.0.2.10
    node_name: workstation
    bin_dir: /home/user/.cache/harvis/programs/kubernetes-0123456789abcdef/bin
    data_dir: /var/lib/harvis
"""

RETURN = r"""
reasons: {description: One line for each thing that was done., type: list, elements: str, returned: success}
findings:
  description: What of it was a fault (a process held by a signal, a daemon that is down, a certificate that ran out).
  type: list
  elements: dict
  returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.cluster.embedded import EmbeddedCluster
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "version": {"type": "str", "required": True},
    "etcd_version": {"type": "str", "required": True},
    "coredns_version": {"type": "str", "required": True},
    "pause_version": {"type": "str", "default": "v1"},
    "address": {"type": "str", "required": True},
    "node_name": {"type": "str", "required": True},
    "bin_dir": {"type": "path", "required": True},
    "data_dir": {"type": "path", "required": True},
    "run_dir": {"type": "path", "default": "/run/harvis"},
    "pod_subnet": {"type": "str", "default": "10.244.0.0/24"},
    "volumes": {"type": "list", "elements": "str", "default": []},
    "volume_owner": {"type": "int", "default": 10001},
    "service_subnet": {"type": "str", "default": "10.96.0.0/16"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """One call of the cluster concept."""
    cluster = EmbeddedCluster(ClusterSpec.from_params(module.params))
    act = cluster.remove if module.params["state"] == "absent" else cluster.ensure
    return act(dry=module.check_mode).to_result()


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
