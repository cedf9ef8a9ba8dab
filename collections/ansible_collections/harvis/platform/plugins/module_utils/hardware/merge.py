"""Changing a few leaves of a values file and nothing else of it: comments, order and spelling stay the user's."""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.hardware.splice import (
    NotSpliceable,
    remove_leaf,
    set_leaf,
)
from ansible_collections.harvis.platform.plugins.module_utils.manifest.quantity import quantity_or_none
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text

Keys = tuple[str, ...]
NEW_MODE = 0o644


@dataclass(frozen=True)
class ValuesFile:
    """A values file's text, and why it differs from the one that was read (nothing: it does not)."""

    text: str
    name: str = ""
    reasons: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> ValuesFile:
        """An empty one where there is no file yet. Raises HarvisError (PLB-INPUT) for what is no YAML mapping."""
        try:
            text = path.read_bytes().decode()
        except FileNotFoundError:
            return cls("", str(path))
        except (OSError, UnicodeDecodeError) as exc:
            raise fail("PLB-INPUT", str(path), f"the values cannot be read: {exc}") from exc
        found = cls(text, str(path))
        found.values()
        return found

    @classmethod
    def empty(cls) -> ValuesFile:
        return cls("")

    @property
    def changed(self) -> bool:
        return bool(self.reasons)

    def values(self) -> dict[str, t.Any]:
        import yaml

        try:
            root = yaml_text.load(self.text)
        except (yaml.YAMLError, RecursionError) as exc:
            raise fail("PLB-INPUT", self.name, f"the values are no YAML: {exc}") from exc
        if root is not None and not isinstance(root, dict):
            raise fail("PLB-INPUT", self.name, "the values are no mapping")
        return root or {}

    def get(self, path: Keys) -> t.Any:
        """The value at ``path``; None where there is none."""
        value: t.Any = self.values()
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def set(self, path: Keys, value: str | int) -> ValuesFile:
        """``value`` at ``path``. The same quantity in another spelling (``12000m`` for ``12``) stays as it is."""
        found = self.get(path)
        if _same(found, value):
            return self
        return self._edited(path, found, value, lambda: set_leaf(self.text, path, value))

    def without(self, path: Keys) -> ValuesFile:
        found = self.get(path)
        if found is None:
            return self
        return self._edited(path, found, None, lambda: remove_leaf(self.text, path))

    def diff(self, after: ValuesFile) -> dict[str, str]:
        return {"before": self.text, "after": after.text}

    def write(self, path: Path) -> None:
        """Beside the file, then renamed; its mode and owner are kept, and a link goes on leading to it."""
        target = path.resolve()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, self.text)
        except OSError as exc:
            raise fail("PLB-INPUT", str(path), f"the values cannot be written: {exc.strerror}") from exc

    def _edited(self, path: Keys, found: t.Any, value: t.Any, edit: t.Callable[[], str]) -> ValuesFile:
        where = ".".join(path)
        reason = f"{where}: {_said(found)} -> {_said(value)}"
        try:
            after = ValuesFile(edit(), self.name, (*self.reasons, reason))
        except NotSpliceable as exc:
            raise fail("PLB-INPUT", f"{self.name}: {where}", f"cannot be set: {exc}") from exc
        # Text is edited, so the result is read again: a file that says anything else is never written.
        if after.values() != _expected(self.values(), path, value):
            raise fail("PLB-INPUT", f"{self.name}: {where}", "cannot be set without changing other values")
        return after


def _expected(values: dict[str, t.Any], path: Keys, value: t.Any) -> dict[str, t.Any]:
    key, rest = path[0], path[1:]
    if not rest and value is None:
        return {k: v for k, v in values.items() if k != key}
    return {**values, key: _expected(values.get(key) or {}, rest, value) if rest else value}


def _same(found: t.Any, wanted: t.Any) -> bool:
    if found == wanted:
        return True
    amount = quantity_or_none(found)
    return amount is not None and amount == quantity_or_none(wanted)


def _said(found: t.Any) -> str:
    return "none" if found is None else str(found)


def _replace(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text.encode())
        _dress(beside, target)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _dress(beside: Path, target: Path) -> None:
    if not target.exists():
        beside.chmod(NEW_MODE)
        return
    shutil.copymode(target, beside)
    owner = target.stat()
    if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(beside, owner.st_uid, owner.st_gid)
