"""From the options of a delivery task to its result."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import connect
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.containerd import (
    Containerd,
    ContainerdDestination,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.docker_env import (
    ENVIRONMENT,
    DockerEnvDestination,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.item import Destination, Item
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.registry import RegistryDestination
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner


def deliver_images(params: t.Mapping[str, t.Any], runner: Runner, *, check_mode: bool) -> dict[str, t.Any]:
    items = [Item.from_params(entry) for entry in params["images"]]
    delivered = _destination(params, runner).deliver(items, check_mode=check_mode) if items else []
    return {
        "changed": any(image.changed for image in delivered),
        "images": {str(image.reference): image.to_dict() for image in delivered},
        "diff": {
            "before": {str(image.name): None if image.changed else image.id for image in delivered},
            "after": {str(image.name): image.id for image in delivered},
        },
    }


def _destination(params: t.Mapping[str, t.Any], runner: Runner) -> Destination:
    host, work_dir = params["docker_host"], Path(params["work_dir"])
    if params["method"] == "containerd":
        node = Containerd(runner, params["ctr"], params["address"])
        return ContainerdDestination(node, lambda: connect(host), work_dir)
    if params["method"] == "docker-env":
        environment = cluster_environment(params["environment"] or {})
        return DockerEnvDestination(lambda: connect(environment=environment), lambda: connect(host), work_dir)
    registry = params["registry"]
    auth = {"username": registry["username"], "password": registry["password"]} if registry["username"] else None
    return RegistryDestination(lambda: connect(host), registry["address"], auth)


def cluster_environment(given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Only what names a daemon; without an address the host's own daemon would be taken for the cluster's."""
    environment = {name: str(given[name]) for name in ENVIRONMENT if given.get(name)}
    if "DOCKER_HOST" not in environment:
        cause = "does not name the cluster's daemon"
        raise image_error("PLB-INPUT", "environment.DOCKER_HOST", cause, fix="Give what `minikube docker-env` prints.")
    return environment
