"""The runtime's entry in containerd's configuration, in each of its three formats.

https://github.com/containerd/containerd/blob/main/docs/cri/config.md
"""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Effective, Handler
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toml_text import (
    Assignment,
    Keys,
    assign,
    lookup,
    parse,
    remove,
)

SECTIONS: dict[int, Keys] = {
    1: ("plugins", "cri"),
    2: ("plugins", "io.containerd.grpc.v1.cri"),
    3: ("plugins", "io.containerd.cri.v1.runtime"),
}
# What a new file is written in: every containerd from 1.3 to today's reads it.
NEW_FILE_VERSION = 2
RUNC_SHIM = "io.containerd.runc.v2"


def section(data: t.Mapping[str, t.Any], file: str, *, inherited: int = 1) -> Keys:
    """Keys of the CRI plugin's runtime settings; a file without ``version`` is in the oldest format."""
    version = data.get("version", inherited if data else NEW_FILE_VERSION)
    if version not in SECTIONS:
        known = ", ".join(map(str, SECTIONS))
        raise fail("RUN-CONFIG", file, f"has the unknown format version {version!r}", fix=f"Use one of {known}.")
    return SECTIONS[version]


def with_handler(text: str, handler: Handler, file: str, *, inherited: int = 1) -> str:
    """``text`` with the handler; the other options are taken from the runtime that pods use today.

    A handler without runc's ``SystemdCgroup`` would put GPU pods under another cgroup driver than the kubelet's.
    """
    data = parse(text, file)
    cri = section(data, file, inherited=inherited)
    _refuse_without_cri(data, file)
    runtimes: Keys = (*cri, "containerd", "runtimes")
    default = lookup(data, (*cri, "containerd", "default_runtime_name")) or "runc"
    model = lookup(data, (*runtimes, default)) if default != handler.name else lookup(data, (*runtimes, "runc"))
    own: Keys = (*runtimes, handler.name)
    wanted = [] if data else [Assignment(("version",), NEW_FILE_VERSION)]
    wanted += [Assignment((*cri, "enable_cdi"), True)] if handler.cdi else []
    if handler.default:
        wanted.append(Assignment((*cri, "containerd", "default_runtime_name"), handler.name))
    found = lookup(data, own)
    wanted += [Assignment((*own, *keys), value) for keys, value in _entry(model, handler) if _is_ours(keys, found)]
    return assign(text, wanted, file)


def without_handler(text: str, name: str, file: str, *, former_default: str = "", inherited: int = 1) -> str:
    """``text`` without the handler; where it was the default, ``former_default`` is again (empty: containerd's own)."""
    data = parse(text, file)
    cri = section(data, file, inherited=inherited)
    default: Keys = (*cri, "containerd", "default_runtime_name")
    is_default = lookup(data, default) == name
    gone = remove(text, [(*cri, "containerd", "runtimes", name), *([default] if is_default else [])], file)
    return assign(gone, [Assignment(default, former_default)], file) if is_default and former_default else gone


def effective(dump: str) -> Effective:
    """Handlers in what ``containerd config dump`` prints."""
    data = parse(dump, "containerd config dump")
    settings = lookup(data, (*section(data, "containerd config dump"), "containerd")) or {}
    runtimes = settings.get("runtimes") or {}
    return Effective(
        {name: (runtime.get("options") or {}).get("BinaryName", "") for name, runtime in runtimes.items()},
        settings.get("default_runtime_name", ""),
    )


def _is_ours(keys: Keys, found: t.Any) -> bool:
    """Of an entry that is there, only what decides which program runs is kept right; the rest is the operator's."""
    if not isinstance(found, dict):
        return True
    return keys == ("options", "BinaryName") or (keys == ("runtime_type",) and not found.get("runtime_type"))


def _entry(model: t.Any, handler: Handler) -> list[tuple[Keys, t.Any]]:
    """The handler's values: scalars of its own first, as TOML wants them before a sub-table."""
    model = model if isinstance(model, dict) else {}
    options = {**(model.get("options") or {}), "BinaryName": str(handler.binary)}
    values = {k: v for k, v in model.items() if not isinstance(v, dict)}
    values["runtime_type"] = values.get("runtime_type") or RUNC_SHIM
    return [((k,), v) for k, v in values.items()] + [(("options", k), v) for k, v in options.items()]


def _refuse_without_cri(data: t.Mapping[str, t.Any], file: str) -> None:
    """Docker's own containerd package ships with the CRI plugin off: no kubelet could use it."""
    off = [
        name
        for name in data.get("disabled_plugins") or []
        if name == "cri" or name.startswith("io.containerd.grpc.v1.cri")
    ]
    if off:
        raise fail(
            "RUN-CONFIG",
            file,
            "switches containerd's CRI plugin off, so that no pod runs on it and a handler would mean nothing",
            evidence=f"disabled_plugins = {off}",
            fix="Remove it from disabled_plugins and restart containerd.",
        )
