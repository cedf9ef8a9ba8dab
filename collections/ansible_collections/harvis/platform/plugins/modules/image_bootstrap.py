#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: image_bootstrap
short_description: Have a Debian base image, with or without a container registry
version_added: 0.1.0
description:
  - Makes a minimal Debian image from packages with debootstrap, with the updates published since the suite's release,
    and without manuals, translations and package lists.
  - The image's tag is the digest of its recipe, that is suite, included packages and the versions of all that was
    installed.
  - Image and recipe are kept in the cache, so another checkout or host with the same cache does not make it again.
  - Needs root on the managed host.
options:
  name:
    description: Last part of the image's name.
    type: str
    default: debian
  prefix:
    description: What the image's name begins with.
    type: str
    default: harvis.local
  suite:
    description: Debian suite.
    type: str
    default: trixie
  include:
    description: Packages to have beside the minimal set.
    type: list
    elements: str
    default: []
  mirror:
    description: Address of a Debian mirror. By default the one in the host's own apt sources, with its update suites.
    type: str
  keyring:
    description: Keys that sign the suite. By default those the host's apt sources name.
    type: path
  upstream:
    description: The same image at its publisher's, pinned by digest.
    type: str
  origin:
    description:
      - V(auto) takes what exists, else pulls O(upstream) where a registry answers, else builds.
      - V(cache), V(pull) and V(build) force one way; with V(build) an image pulled earlier does not count.
    type: str
    choices: [auto, cache, pull, build]
    default: auto
  load:
    description: Have the image in Docker as well when the cache has it. A build loads its base by itself.
    type: bool
    default: true
  cache_dir:
    description: Folder of the cache; archive and recipe lie in its C(images).
    type: path
    required: true
  work_dir:
    description: Folder for the root file system while it is made; must allow programs and devices, and is cleaned up.
    type: path
    default: /var/tmp
  log_dir:
    description: Folder for debootstrap's output, a file C(<name>.log), written as it comes.
    type: path
    default: /var/lib/harvis/log
  docker_host:
    description: Address of the daemon. By default E(DOCKER_HOST), else the usual socket.
    type: str
extends_documentation_fragment: [harvis.platform.attributes]
attributes:
  check_mode:
    support: full
    details: When the image would have to be made, its name is not known yet, and C(reference) is null.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements: [docker (Python library), debootstrap]
author: Harvis Platform maintainers
"""

EXAMPLES = r"""
- name: Debian base image
  harvis.platform.image_bootstrap:
    suite: trixie
    cache_dir: /home/user/.cache/harvis
    include: [ca-certificates]
  become: true
  register: debian
"""

RETURN = r"""
images:
  description: The image, by its name.
  type: dict
  returned: always
  contains:
    reference:
      description: Full name.
      type: str
    origin:
      description: V(cache) when it existed already, else V(pull) or V(build).
      type: str
    changed:
      description: Whether it was, or in check mode would be, made or loaded.
      type: bool
    archive:
      description: The image as a file; may not exist where only Docker has the image.
      type: str
    seconds:
      description: Time it took.
      type: float
deliverables:
  description: The image in the shape that M(harvis.platform.image_deliver) takes.
  type: list
  elements: dict
  returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.image.bootstrap import bootstrap_image
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

ARGUMENT_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "default": "debian"},
    "prefix": {"type": "str", "default": "harvis.local"},
    "suite": {"type": "str", "default": "trixie"},
    "include": {"type": "list", "elements": "str", "default": []},
    "mirror": {"type": "str"},
    # A file of public keys.
    "keyring": {"type": "path", "no_log": False},
    "upstream": {"type": "str"},
    "origin": {"type": "str", "choices": ["auto", "cache", "pull", "build"], "default": "auto"},
    "load": {"type": "bool", "default": True},
    "cache_dir": {"type": "path", "required": True},
    "work_dir": {"type": "path", "default": "/var/tmp"},
    "log_dir": {"type": "path", "default": "/var/lib/harvis/log"},
    "docker_host": {"type": "str"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    return bootstrap_image(module.params, SystemRunner(), check_mode=module.check_mode)


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
