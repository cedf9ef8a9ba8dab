"""containerd's configuration as text: what is not named survives byte for byte (no daemon runs here)."""

from __future__ import annotations

import tomllib
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.runtime import containerd_text
from ansible_collections.harvis.platform.plugins.module_utils.runtime.containerd_text import (
    with_handler,
    without_handler,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Effective, Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toml_text import lookup

HANDLER = Handler()
DEFAULT = Handler(default=True)

# As a kubeadm host has it: comments, indentation, a registry mirror, runc under systemd's cgroups.
KUBEADM = """\
# Managed by the site's own tooling -- do not reorder!
version = 2
root = "/srv/containerd"   # a disk of its own

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = "registry.k8s.io/pause:3.10"
    [plugins."io.containerd.grpc.v1.cri".containerd]
      snapshotter = "overlayfs"
      default_runtime_name = "runc" # the house rule
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v2"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
          SystemdCgroup = true
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
    endpoint = ["https://mirror.example"]

[debug]
  level = 'info'
"""
ADDED_TO_KUBEADM = """
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
SystemdCgroup = true
BinaryName = "/usr/bin/nvidia-container-runtime"
"""
VERSION_1 = """\
[plugins.cri.containerd]
  snapshotter = "native"
[plugins.cri.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v1"
"""
VERSION_3 = """\
version = 3

[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'

[plugins.'io.containerd.cri.v1.runtime'.containerd]
  default_runtime_name = 'runc'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = true
"""
# Tables of one plugin in two places, which TOML allows and tools that print configuration do.
OUT_OF_ORDER = """\
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
[grpc]
  address = "/run/c.sock"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/opt/cni/bin"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
"""
# All tables in one line, where no new table can stand behind.
INLINE = 'version = 2\nplugins = {"io.containerd.grpc.v1.cri" = {containerd = {snapshotter = "native"}}}\n'


class Case(t.NamedTuple):
    name: str
    text: str
    section: tuple[str, ...]


V1, V2, V3 = (containerd_text.SECTIONS[v] for v in (1, 2, 3))
CASES = [
    Case("a kubeadm host", KUBEADM, V2),
    Case("format 1, which names no version", VERSION_1, V1),
    Case("format 3", VERSION_3, V3),
    Case("tables out of order", OUT_OF_ORDER, V2),
    Case("an empty file", "", V2),
    Case("comments alone", "# nothing here yet\n", V2),
    Case("no CRI section", 'version = 2\n[grpc]\naddress = "/run/c.sock"', V2),
    Case("Windows line ends", "version = 2\r\n[grpc]\r\naddress = 'x'\r\n", V2),
]


def at(text: str, *keys: str) -> t.Any:
    value: t.Any = tomllib.loads(text)
    for key in keys:
        value = value[key]
    return value


def without_default(data: dict[str, t.Any], case: Case) -> dict[str, t.Any]:
    """``data`` without the default's name and without empty tables."""
    containerd = lookup(data, (*case.section, "containerd")) or {}
    containerd.pop("default_runtime_name", None)
    return full(data)


def full(data: t.Any) -> t.Any:
    if not isinstance(data, dict):
        return data
    return {k: v for k, v in ((k, full(v)) for k, v in data.items()) if v != {}}


def test_what_is_there_stays_byte_for_byte() -> None:
    assert with_handler(KUBEADM, HANDLER, "config.toml") == KUBEADM + ADDED_TO_KUBEADM


def test_the_default_is_changed_in_its_line_and_the_comment_behind_it_stays() -> None:
    expected = KUBEADM.replace('default_runtime_name = "runc" #', 'default_runtime_name = "nvidia" #')

    assert with_handler(KUBEADM, DEFAULT, "config.toml") == expected + ADDED_TO_KUBEADM


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize(
    "handler", [HANDLER, DEFAULT, Handler(default=True, cdi=True)], ids=["class", "default", "cdi"]
)
def test_the_handler_is_where_the_format_wants_it(case: Case, handler: Handler) -> None:
    text = with_handler(case.text, handler, "config.toml")

    containerd = at(text, *case.section, "containerd")
    assert containerd["runtimes"]["nvidia"]["options"]["BinaryName"] == "/usr/bin/nvidia-container-runtime"
    assert containerd.get("default_runtime_name", "runc") == ("nvidia" if handler.default else "runc")
    assert at(text, *case.section).get("enable_cdi", False) is handler.cdi
    assert [line for line in case.text.splitlines() if "default_runtime_name" not in line and line not in text] == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
@pytest.mark.parametrize("handler", [HANDLER, DEFAULT], ids=["class", "default"])
def test_a_second_edit_changes_nothing(case: Case, handler: Handler) -> None:
    once = with_handler(case.text, handler, "config.toml")

    assert with_handler(once, handler, "config.toml") == once


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_removal_leaves_no_trace_in_what_the_text_says(case: Case) -> None:
    added = with_handler(case.text, DEFAULT, "config.toml")
    removed = tomllib.loads(without_handler(added, "nvidia", "config.toml", former_default="runc"))

    former = tomllib.loads(case.text) or {"version": 2}
    assert lookup(removed, (*case.section, "containerd", "default_runtime_name")) == "runc"
    assert without_default(removed, case) == without_default(former, case)


def test_the_handler_takes_over_how_runc_is_run() -> None:
    """A handler under another cgroup driver than the kubelet's would fail each GPU pod."""
    text = with_handler(VERSION_3, HANDLER, "config.toml")

    assert at(text, *V3, "containerd", "runtimes", "nvidia") == {
        "runtime_type": "io.containerd.runc.v2",
        "options": {"SystemdCgroup": True, "BinaryName": "/usr/bin/nvidia-container-runtime"},
    }


def test_an_operator_s_own_options_of_the_handler_stay() -> None:
    own = KUBEADM + ADDED_TO_KUBEADM.replace("SystemdCgroup = true", "SystemdCgroup = false # on purpose")

    assert with_handler(own, HANDLER, "config.toml") == own


def test_another_program_is_put_right_in_place() -> None:
    found = KUBEADM + ADDED_TO_KUBEADM.replace("/usr/bin/", "/opt/old/")

    assert with_handler(found, HANDLER, "config.toml") == KUBEADM + ADDED_TO_KUBEADM


REFUSED = {
    "not TOML": ("version = [", "is not TOML"),
    "a key twice": ("version = 2\nversion = 2\n", "is not TOML"),
    "a format of the future": ("version = 4\n", "unknown format version 4"),
    "CRI switched off": ('version = 2\ndisabled_plugins = ["cri"]\n', "switches containerd's CRI plugin off"),
    "inline tables": (INLINE, "cannot be edited without changing what else it says"),
}


@pytest.mark.fault(code="RUN-CONFIG", by="recorded tree")
@pytest.mark.parametrize(("text", "cause"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_edited_is_said(text: str, cause: str) -> None:
    with pytest.raises(HarvisError, match=cause) as caught:
        with_handler(text, DEFAULT, "/etc/containerd/config.toml")

    assert [(f.code, f.subject) for f in caught.value.findings] == [("RUN-CONFIG", "/etc/containerd/config.toml")]


EFFECTIVE = {
    "configured": (KUBEADM + ADDED_TO_KUBEADM, HANDLER, ""),
    "not configured": (KUBEADM, HANDLER, "it knows no handler nvidia (only runc)"),
    "another program": (
        KUBEADM + ADDED_TO_KUBEADM,
        Handler(binary=Path("/opt/n")),
        "its handler nvidia runs /usr/bin/nvidia-container-runtime",
    ),
    "not the default": (KUBEADM + ADDED_TO_KUBEADM, DEFAULT, "its default runtime is runc"),
    "nothing at all": ("version = 2\n", HANDLER, "it knows no handler nvidia (only none)"),
}


@pytest.mark.parametrize(("dump", "handler", "lacks"), EFFECTIVE.values(), ids=EFFECTIVE)
def test_what_a_dump_lacks(dump: str, handler: Handler, lacks: str) -> None:
    assert containerd_text.effective(dump).lacks(handler) == lacks


def test_handlers_of_a_dump() -> None:
    found = containerd_text.effective(KUBEADM + ADDED_TO_KUBEADM)

    assert found == Effective({"runc": "", "nvidia": "/usr/bin/nvidia-container-runtime"}, "runc")
