#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: image_deliver
short_description: Bring images where the kubelet sees them, and prove it
version_added: 0.1.0
description:
  - Delivers images that are missing at their destination, and of these only the layers that are missing there.
  - Afterwards the destination is asked again. An image that it does not show under the expected digest is a failure.
options:
  images:
    description: Images to deliver.
    type: list
    elements: dict
    required: true
    suboptions:
      reference:
        description: The image's name.
        type: str
        required: true
      archive:
        description:
          - The image as Docker saves it. Where this file exists the image is taken from it, and Docker is not needed.
        type: path
  method:
    description:
      - V(containerd) imports into the containerd of the node the task runs on.
      - V(docker-env) loads onto the daemon that the cluster uses (O(environment)).
      - V(registry) pushes to a registry that the cluster pulls from (O(registry)).
    type: str
    choices: [containerd, docker-env, registry]
    required: true
  ctr:
    description: containerd's command line.
    type: str
    default: ctr
  address:
    description: Socket of containerd.
    type: path
    default: /run/containerd/containerd.sock
  environment:
    description: E(DOCKER_HOST), E(DOCKER_TLS_VERIFY) and E(DOCKER_CERT_PATH), as C(minikube docker-env) prints them.
    type: dict
  registry:
    description: Where to push.
    type: dict
    suboptions:
      address:
        description:
          - Host and port, with a path if images are to lie below one. Replaces all of a name but its last part.
        type: str
        required: true
      username:
        description: User.
        type: str
      password:
        description: Password.
        type: str
  docker_host:
    description: The host's own daemon, which has the images. By default E(DOCKER_HOST), else the usual socket.
    type: str
  work_dir:
    description: Folder for images on their way; they are removed again.
    type: path
    default: /var/tmp
extends_documentation_fragment: [harvis.platform.attributes]
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
requirements: [docker (Python library)]
author: Harvis Platform maintainers
"""

EXAMPLES = r"""
- name: Bring the workers into the node's containerd
  harvis.platform.image_deliver:
    method: containerd
    images: "{{ workers.deliverables }}"

- name: Bring the backend onto minikube's daemon
  harvis.platform.image_deliver:
    method: docker-env
    environment: "{{ minikube.docker_env }}"
    images:
      - reference: harvis.local/harvis-backend:sha256-0123456789abcdef

- name: Push to a registry
  harvis.platform.image_deliver:
    method: registry
    registry: {address: registry.example.org/harvis, username: ci, password: "{{ registry_password }}"}
    images:
      - reference: harvis.local/harvis-backend:sha256-0123456789abcdef
"""

RETURN = r"""
images:
  description: The images, by the reference that was given.
  type: dict
  returned: always
  contains:
    reference:
      description: The reference that was given.
      type: str
    name:
      description: The name that a manifest must use; another one than the reference after a push to a registry.
      type: str
    id:
      description: Digest under which the image is seen there, of its config, or on a registry of its manifest.
      type: str
    changed:
      description: Whether it was, or in check mode would be, delivered.
      type: bool
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.image.delivery.task import deliver_images
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

REGISTRY_SPEC: dict[str, t.Any] = {
    "address": {"type": "str", "required": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
}

ARGUMENT_SPEC: dict[str, t.Any] = {
    "images": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"reference": {"type": "str", "required": True}, "archive": {"type": "path"}},
    },
    "method": {"type": "str", "choices": ["containerd", "docker-env", "registry"], "required": True},
    "ctr": {"type": "str", "default": "ctr"},
    "address": {"type": "path", "default": "/run/containerd/containerd.sock"},
    "environment": {"type": "dict"},
    "registry": {
        "type": "dict",
        "options": REGISTRY_SPEC,
        "required_together": [("username", "password")],
    },
    "docker_host": {"type": "str"},
    "work_dir": {"type": "path", "default": "/var/tmp"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    return deliver_images(module.params, SystemRunner(), check_mode=module.check_mode)


def main() -> None:
    run_module(
        ARGUMENT_SPEC,
        run,
        required_if=[("method", "docker-env", ["environment"]), ("method", "registry", ["registry"])],
    )


if __name__ == "__main__":
    main()
