"""Files of the controller, as the module text_files takes them."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleFilterError


def file_texts(folder: str, patterns: t.Sequence[str]) -> dict[str, str]:
    """Texts by relative path of the files below ``folder`` that match; a pattern that matches none is an error."""
    root = Path(folder)
    texts: dict[str, str] = {}
    for pattern in patterns:
        found = [place for place in sorted(root.glob(pattern)) if place.is_file()]
        if not found:
            raise AnsibleFilterError(f"no file below {folder} matches {pattern}")
        texts.update((place.relative_to(root).as_posix(), place.read_text(encoding="utf-8")) for place in found)
    return texts


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"file_texts": file_texts}
