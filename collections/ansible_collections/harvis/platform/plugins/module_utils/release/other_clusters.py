"""Which cluster a helm on this machine works on: several clusters may have a release of the same name."""

from __future__ import annotations

import typing as t
from pathlib import Path

_FILE, _CONTEXT = "--kubeconfig", "--kube-context"


def is_elsewhere(argv: t.Sequence[str], process: Path, server: str) -> bool:
    """Whether the process is known to work on another API server; what is not known may be this one."""
    found = _server(argv, process)
    return bool(server and found and found.rstrip("/") != server.rstrip("/"))


def _server(argv: t.Sequence[str], process: Path) -> str:
    import yaml

    environment = _environment(process)
    named = _option(argv, _FILE) or environment.get("KUBECONFIG") or f"{environment.get('HOME', '')}/.kube/config"
    try:
        config = yaml.safe_load((process / "cwd" / named).read_text(encoding="utf-8"))
        name = _option(argv, _CONTEXT) or environment.get("HELM_KUBECONTEXT") or config["current-context"]
        context = next(c["context"] for c in config["contexts"] if c["name"] == name)
        return str(next(c["cluster"]["server"] for c in config["clusters"] if c["name"] == context["cluster"]))
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, StopIteration):
        return ""


def _option(argv: t.Sequence[str], name: str) -> str:
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return ""


def _environment(process: Path) -> dict[str, str]:
    """Nothing where the process is another user's."""
    try:
        text = (process / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in text.split("\0") if "=" in line)
