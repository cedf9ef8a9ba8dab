"""A kubeconfig of our own for the controller: one cluster, one context, nothing else in it."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterError
from ansible_collections.harvis.platform.plugins.module_utils.findings import fail


def single_context(text: str, context: str, subject: str) -> str:
    """The kubeconfig reduced to ``context`` (default: its current one); file references must be embedded already.

    Raises ClusterError (PLB-INPUT) for text that is no kubeconfig, or a context that is not in it.
    """
    import yaml

    try:
        config: t.Any = yaml.safe_load(text)
        name = context or config["current-context"]
        contexts = {c["name"]: c["context"] for c in config["contexts"]}
        clusters, users = list(config["clusters"]), list(config["users"])
    except (yaml.YAMLError, KeyError, TypeError) as exc:
        raise ClusterError(*fail("PLB-INPUT", subject, f"is not a kubeconfig: {type(exc).__name__}").findings) from exc
    if name not in contexts:
        fix = f"Set cluster_context to one of: {', '.join(sorted(contexts))}."
        raise ClusterError(*fail("PLB-INPUT", subject, f"has no context {name!r}", fix=fix).findings)
    chosen = contexts[name]
    reduced = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": chosen}],
        "clusters": [c for c in clusters if c["name"] == chosen["cluster"]],
        "users": [u for u in users if u["name"] == chosen["user"]],
    }
    return yaml.safe_dump(reduced, sort_keys=False)


def write_private(path: Path, text: str, *, dry: bool) -> bool:
    """Write a file only its owner may read; True if it differed."""
    if path.exists() and path.read_text() == text and path.stat().st_mode & 0o077 == 0:
        return False
    if not dry:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(text)
    return True


def link_programs(programs: dict[str, str], folder: Path, *, dry: bool) -> bool:
    """Links to programs that are on this machine; True if one differed."""
    differing = {n: p for n, p in programs.items() if not _links_to(folder / n, p)}
    for name, target in () if dry else differing.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    return bool(differing)


def _links_to(link: Path, target: str) -> bool:
    return link.is_symlink() and str(link.readlink()) == target
