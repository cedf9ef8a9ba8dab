"""Shaping of image descriptions for the roles."""

from __future__ import annotations

import typing as t


def worker_image(name: str, source: str, include: t.Sequence[str], base: str) -> dict[str, t.Any]:
    """The description, for module image_build, of the image of the memory worker ``name``."""
    return {
        "name": f"vhm-{name}",
        "context": source,
        "dockerfile": "docker/worker.Dockerfile",
        "include": [path.replace("{}", name) for path in include],
        "build_args": {"WORKER_MODULE": f"workers.vhm_{name}.main"},
        "base": base,
    }


def deployed_names(built: dict[str, t.Any], delivered: dict[str, t.Any], prefix: str = "") -> dict[str, str]:
    """Image name (without ``prefix``) -> the name a manifest must use, from what was built and delivered."""
    return {name.removeprefix(prefix): delivered[image["reference"]]["name"] for name, image in built.items()}


def nest(values: dict[str, t.Any], key: str) -> dict[str, dict[str, t.Any]]:
    """``{a: 1}`` -> ``{a: {key: 1}}``."""
    return {name: {key: value} for name, value in values.items()}


def image_ids(*deliveries: dict[str, t.Any]) -> dict[str, str]:
    """Manifest name -> identity under which the node's runtime reports the image; what is not delivered is left out."""
    seen = (image for delivery in deliveries for image in delivery.values())
    return {image["name"]: image["id"] for image in seen if image.get("id")}


def without_history(delivery: dict[str, t.Any]) -> dict[str, t.Any]:
    """What was delivered, without whether it had to be brought by this very run."""
    return {reference: {key: image.get(key) for key in ("name", "id")} for reference, image in delivery.items()}


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "worker_image": worker_image,
            "deployed_names": deployed_names,
            "nest": nest,
            "image_ids": image_ids,
            "without_history": without_history,
        }
