"""The text that a daemon's file shall have, from the text that it has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.runtime import containerd_text, docker_text
from ansible_collections.harvis.platform.plugins.module_utils.runtime.record import Record, load_record
from ansible_collections.harvis.platform.plugins.module_utils.runtime.sources import (
    deciding,
    load_sources,
    read_text,
    refuse_generated,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.toml_text import lookup
from ansible_collections.harvis.platform.plugins.module_utils.runtime.wanted import RuntimeSpec


@dataclass(frozen=True)
class Edit:
    """One file, before and after; None is no file. ``record`` is what removal will need."""

    path: Path
    before: str | None
    after: str | None
    record: Record | None = None
    former_record: Record | None = None

    @property
    def changes(self) -> bool:
        return self.before != self.after


def edit_to_add(spec: RuntimeSpec) -> Edit:
    """The edit that puts the handler in. Raises HarvisError (RUN-CONFIG) for what cannot be edited."""
    refuse_generated(spec.config)
    path, version = _file(spec)
    before = read_text(path)
    if spec.daemon == "docker":
        after = docker_text.with_handler(before, spec.handler, str(path))
    else:
        after = containerd_text.with_handler(before, spec.handler, str(path), inherited=version)
    found = before if path.exists() else None
    record = _record(spec, path, found, after, version)
    return Edit(path, found, after if after != before else found, record, load_record(path))


def edit_to_remove(spec: RuntimeSpec) -> Edit:
    """The edit that takes it out: the former text where nobody changed the file since, else the handler alone."""
    refuse_generated(spec.config)
    path, version = _file(spec)
    found = read_text(path) if path.exists() else None
    record = load_record(path)
    if found is None or (record and record.after == found):
        return Edit(path, found, record.before if record and found is not None else None)
    return Edit(path, found, _without(spec, path, found, version, record.former_default if record else ""))


def _file(spec: RuntimeSpec) -> tuple[Path, int]:
    if spec.daemon == "docker":
        return spec.config, 0
    source = deciding(load_sources(spec.config))
    return source.path, source.version


def _without(spec: RuntimeSpec, path: Path, text: str, version: int, former: str) -> str:
    if spec.daemon == "docker":
        return docker_text.without_handler(text, spec.handler.name, str(path), former_default=former)
    name = spec.handler.name
    return containerd_text.without_handler(text, name, str(path), former_default=former, inherited=version)


def _record(spec: RuntimeSpec, path: Path, before: str | None, after: str, version: int) -> Record:
    """What was there before our first edit, also when this is the second one."""
    known = load_record(path)
    if known and known.after == before:
        return Record(known.before, after, known.former_default)
    former = _default(spec, path, before or "", version)
    if known and former == spec.handler.name:
        former = known.former_default
    # A file that others changed since our edit: what it would be without us is the state to go back to.
    clean = _without(spec, path, before or "", version, former) if known and before is not None else before
    return Record(clean, after, "" if former == spec.handler.name else former)


def _default(spec: RuntimeSpec, path: Path, text: str, version: int) -> str:
    if spec.daemon == "docker":
        return str(docker_text.parse(text, str(path)).get("default-runtime", ""))
    data = containerd_text.parse(text, str(path))
    keys = (*containerd_text.section(data, str(path), inherited=version), "containerd", "default_runtime_name")
    return lookup(data, keys) or ""
