"""What a value configures: an object, or one container in it."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.chart.locate import TemplateLines
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, pointer_parts

# The object, and the JSON pointer of the container in it or "".
Target = tuple[KubernetesObject, str]


def file_of(item: KubernetesObject) -> str:
    """The template that prints the object."""
    lines = item.lines
    return lines.index.file(lines.source) if isinstance(lines, TemplateLines) else lines.find("")[0]


def container_of(field: str) -> str:
    """The JSON pointer of the container that the field lies in, or ""."""
    parts = pointer_parts(field)
    for at, part in enumerate(parts[:-1]):
        if part in ("containers", "initContainers") and parts[at + 1].isdigit():
            return "".join(f"/{one}" for one in parts[: at + 2])
    return ""
