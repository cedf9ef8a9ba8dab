"""ConfigMaps and Secrets: what they hold, as pods see it."""

from __future__ import annotations

import base64
import binascii

from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, Objects, pointer

CONFIG_KINDS = ("ConfigMap", "Secret")


def read_config(objects: Objects, kind: str, namespace: str, name: str) -> KubernetesObject | None:
    """The ConfigMap or Secret that a pod in ``namespace`` means by ``name``."""
    return objects.find(kind, namespace, name)


def config_data(config: KubernetesObject) -> dict[str, str | None]:
    """Keys and values that can become variables; a value that is no text (or no base64) is None.

    ``binaryData`` is for files only, the kubelet takes no variable from it.
    """
    data = {key: _text(value) for key, value in _mapping(config, "data").items()}
    if config.kind == "Secret":
        data = {key: _decoded(value) for key, value in data.items()}
        # The API server lays stringData over data when it stores the object.
        data |= {key: _text(value) for key, value in _mapping(config, "stringData").items()}
    return data


def config_keys(config: KubernetesObject) -> set[str]:
    """Every key that a volume can show as a file."""
    return {*config_data(config), *_mapping(config, "binaryData")}


def key_pointer(config: KubernetesObject, key: str) -> str:
    """JSON pointer of a key's value in its object."""
    for part in ("stringData", "data", "binaryData"):
        if key in _mapping(config, part):
            return pointer(part, key)
    return ""


def _mapping(config: KubernetesObject, key: str) -> dict[str, object]:
    value = config.body.get(key)
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _decoded(value: str | None) -> str | None:
    try:
        return base64.b64decode((value or "").encode(), validate=False).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
