"""The runtime's entry in Docker's daemon.json (https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file)."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Effective, Handler

INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)


def with_handler(text: str, handler: Handler, file: str) -> str:
    """``text`` with the handler; order and indentation of the rest are kept."""
    data = parse(text, file)
    before = json.dumps(data)
    runtimes = data.setdefault("runtimes", {})
    runtime = runtimes.setdefault(handler.name, {"args": []})
    runtime["path"] = str(handler.binary)
    if handler.default:
        data["default-runtime"] = handler.name
    if handler.cdi:
        data.setdefault("features", {})["cdi"] = True
    return text if json.dumps(data) == before else _format(data, text)


def without_handler(text: str, name: str, file: str, *, former_default: str = "") -> str:
    """``text`` without the handler and without what is left empty by that."""
    data = parse(text, file)
    before = json.dumps(data)
    runtimes = data.get("runtimes", {})
    if name in runtimes:
        del runtimes[name]
        if not runtimes:
            del data["runtimes"]
    if data.get("default-runtime") == name:
        del data["default-runtime"]
        data |= {"default-runtime": former_default} if former_default else {}
    return text if json.dumps(data) == before else _format(data, text)


def effective(info: t.Mapping[str, t.Any]) -> Effective:
    """Handlers in the daemon's answer to ``GET /info``."""
    runtimes = info.get("Runtimes") or {}
    return Effective({name: entry.get("path", "") for name, entry in runtimes.items()}, info.get("DefaultRuntime", ""))


def parse(text: str, file: str) -> dict[str, t.Any]:
    if not text.strip():
        return {}
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except ValueError as exc:
        raise _refused(file, "is not JSON that can be edited", str(exc)) from exc
    tables = [data, *(data.get(k, {}) for k in ("runtimes", "features"))] if isinstance(data, dict) else [data]
    if not all(isinstance(table, dict) for table in tables):
        raise _refused(file, "has a value of another type where Docker wants an object", "")
    return dict(data)


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """A key that is there twice would be lost in writing."""
    data = dict(pairs)
    if len(data) != len(pairs):
        names = [k for k, _ in pairs]
        raise ValueError(f"the same key twice: {next(k for k in names if names.count(k) > 1)}")
    return data


def _refused(file: str, cause: str, evidence: str) -> HarvisError:
    return fail("RUN-CONFIG", file, cause, evidence=evidence, fix="Mend the file; nothing was changed.")


def _format(data: dict[str, t.Any], like: str) -> str:
    found = INDENT.search(like)
    end = "\n" if not like.strip() or like.endswith("\n") else ""
    return json.dumps(data, indent=found[1] if found else 2, ensure_ascii=False) + end
