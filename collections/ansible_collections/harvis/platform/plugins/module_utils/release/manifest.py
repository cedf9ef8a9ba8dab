"""A rendered manifest as objects; hooks apart, because Helm keeps them out of the release's objects."""

from __future__ import annotations

import base64
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object, ObjectRef
from ansible_collections.harvis.platform.plugins.module_utils.release import yaml_text
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import release_error

HOOK_ANNOTATION = "helm.sh/hook"
_DOCUMENTS = re.compile(r"^---[ \t]*$", re.MULTILINE)
_SOURCE = re.compile(r"^# Source: (?P<path>\S+)", re.MULTILINE)

Namespaced = t.Callable[[str, str], bool]


@dataclass(frozen=True)
class ManifestObject:
    """One object of a chart, and the template it came from."""

    ref: ObjectRef
    body: Object
    source: str


@dataclass(frozen=True)
class Manifest:
    """The objects of a release by address, and its hooks by address."""

    objects: dict[ObjectRef, ManifestObject]
    hooks: dict[ObjectRef, ManifestObject]

    def images(self) -> list[str]:
        """Every container image that the objects name, sorted."""
        found: set[str] = set()
        for item in self.objects.values():
            found.update(_images(item.body.get("spec")))
        return sorted(found)


def documents(text: str) -> list[str]:
    """The YAML documents of a manifest, unread."""
    return _DOCUMENTS.split(text)


def parse_manifest(text: str, namespace: str, namespaced: Namespaced) -> Manifest:
    """Split and read ``text``; an object that states no namespace lies in ``namespace`` if its kind has one.

    Raises ReleaseError when a document is not YAML or two documents have the same address.
    """
    objects: dict[ObjectRef, ManifestObject] = {}
    hooks: dict[ObjectRef, ManifestObject] = {}
    for document in documents(text):
        match = _SOURCE.search(document)
        source = match["path"] if match else ""
        for body in _bodies(document, source):
            item = _manifest_object(body, source, namespace, namespaced)
            is_hook = HOOK_ANNOTATION in (body["metadata"].get("annotations") or {})
            place = hooks if is_hook else objects
            if item.ref in place:
                cause = f"{item.ref} is rendered twice, also by {place[item.ref].source}"
                raise release_error("VAL-RENDER", source, cause, fix="Give one of the two objects another name.")
            place[item.ref] = item
    return Manifest(objects, hooks)


def as_stored(body: Object) -> Object:
    """A Secret's ``stringData`` is a way to write; what the server stores and others edit is ``data``."""
    if body["kind"] != "Secret" or "stringData" not in body:
        return body
    texts = {key: base64.b64encode(str(text).encode()).decode() for key, text in (body["stringData"] or {}).items()}
    rest = {key: value for key, value in body.items() if key != "stringData"}
    return {**rest, "data": {**(body.get("data") or {}), **texts}}


def _bodies(document: str, source: str) -> list[Object]:
    import yaml

    try:
        body = yaml_text.load(document)
    except yaml.YAMLError as exc:
        raise release_error("VAL-RENDER", source, "the rendered document is not YAML", evidence=str(exc)) from exc
    if not body:
        return []
    if not isinstance(body, dict) or not body.get("kind"):
        raise release_error("VAL-RENDER", source, "the rendered document is not a Kubernetes object")
    return list(body["items"] or []) if body["kind"] == "List" else [body]


def _manifest_object(body: Object, source: str, namespace: str, namespaced: Namespaced) -> ManifestObject:
    ref = ObjectRef.of(body, namespace)
    if ref.namespace and not namespaced(ref.api_version, ref.kind):
        ref = ObjectRef(ref.api_version, ref.kind, ref.name)
    metadata = {**body["metadata"], **({"namespace": ref.namespace} if ref.namespace else {})}
    return ManifestObject(ref, {**body, "metadata": metadata}, source)


def _images(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _images(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("containers", "initContainers"):
                yield from (str(c["image"]) for c in item or [] if c.get("image"))
            else:
                yield from _images(item)
