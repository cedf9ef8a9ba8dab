#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Build container images whose tags say what they are made from
version_added: 0.1.0
description:
  - The digest of an image is taken over the files that count, the Dockerfile, build args, target and base, and its
    first 16 hex digits are the tag. An image that exists under that name in Docker or in the cache is not built again.
  - The digest is computed on the controller, where the sources lie. Only for images that are missing are exactly those
    files sent to the managed host and built there with BuildKit.
  - Every Dockerfile that is to be built is parsed by BuildKit itself before the first image is touched.
  - Building runs a Docker command line, everything else goes through Docker's Python library.
options:
  images:
    description: Images to have.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Last part of the image's name.
        type: str
        required: true
      context:
        description: Folder on the controller, relative to the play's.
        type: str
        required: true
      dockerfile:
        description: Relative to O(images[].context); may lie outside of it.
        type: str
        default: Dockerfile
      include:
        description:
          - Paths of the context that count; by default all. C(.dockerignore) is applied to them, the one beside the
            Dockerfile (C(<Dockerfile>.dockerignore)) before the context's.
          - Folders without files are not sent.
        type: list
        elements: str
        default: []
      build_args:
        description: Build args. They are part of the image's history, so none may be a secret.
        type: dict
        default: {}
      target:
        description: Stage to build.
        type: str
      base:
        description:
          - Reference of the base image, whose tag carries the digest of its recipe; given to the build as C(BASE).
        type: str
      upstream:
        description: The same image at its publisher's, pinned by digest (C(docker.io/ollama/ollama@sha256:...)).
        type: str
      origin:
        description:
          - V(auto) takes what exists, else pulls O(images[].upstream) where a registry answers, else builds.
          - V(cache), V(pull) and V(build) force one way; with V(build) an image pulled earlier does not count.
        type: str
        choices: [auto, cache, pull, build]
        default: auto
      archive:
        description:
          - Keep the image in the cache as Docker saves it. When that file exists nothing is built, and nothing is
            loaded into Docker either unless O(images[].load).
        type: bool
        default: false
      load:
        description: Have an archived image in Docker as well.
        type: bool
        default: false
  prefix:
    description: What the images' names begin with.
    type: str
    default: harvis.local
  cache_dir:
    description: Folder of the cache on the managed host; archives lie in its C(images).
    type: path
    required: true
  src_dir:
    description: Folder on the managed host for sources on their way into a build.
    type: path
    default: /var/lib/harvis/src
  log_dir:
    description: Folder on the managed host for the builds' output, a file C(<name>.log) each, written as it comes.
    type: path
    default: /var/lib/harvis/log
  parallel:
    description: How many images are made at the same time.
    type: int
    default: 2
  ca_bundle:
    description: CA bundle given to builds as secret C(ca). By default the system's own.
    type: path
  pip_config:
    description: pip configuration given to builds as secret C(pip). By default the one pip itself would read, if any.
    type: path
  secrets:
    description: Further build secrets, from id to file on the managed host. A file that is missing is left out.
    type: dict
    default: {}
  docker_host:
    description: Address of the daemon. By default E(DOCKER_HOST), else the usual socket.
    type: str
  docker_cli:
    description: Docker command line that builds. By default the first of the usual ones that can do BuildKit.
    type: path
  network:
    description: Network of the build's steps; V(host) helps where Docker's bridge cannot reach the host's name server.
    type: str
    choices: [default, host, none]
    default: default
  timeout:
    description: Seconds that one build may take.
    type: int
    default: 3600
  prepared:
    description: What the controller found out about the sources. Set by the action plugin, never by a task.
    type: dict
extends_documentation_fragment: [harvis.platform.attributes]
attributes:
  check_mode:
    support: full
    details: Returns the references that would result, and parses the Dockerfiles of those that are missing.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements: [docker (Python library)]
author: Harvis Platform maintainers
"""

EXAMPLES = r"""
- name: One image per worker, each of its own package and the common code
  harvis.platform.image_build:
    cache_dir: /home/user/.cache/harvis
    images:
      - name: vhm-indexer
        context: "{{ playbook_dir }}/../apps/vhm"
        dockerfile: docker/worker.Dockerfile
        include: [common, workers/__init__.py, workers/vhm_indexer]
        base: "{{ python.images.python.reference }}"
        build_args: {WORKER: vhm_indexer}
  register: workers

- name: Ollama, pulled where a registry answers, else built; kept as a file for the cluster
  harvis.platform.image_build:
    cache_dir: /home/user/.cache/harvis
    images:
      - name: ollama
        context: "{{ playbook_dir }}/../tools/images/ollama"
        base: harvis.local/debian:sha256-0123456789abcdef
        upstream: docker.io/ollama/ollama@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        archive: true
"""

RETURN = r"""
images:
  description: The images, by name.
  type: dict
  returned: always
  contains:
    reference:
      description: Full name to be used in manifests.
      type: str
    digest:
      description: Content digest, or the registry's digest of an image that was pulled.
      type: str
    changed:
      description: Whether it was, or in check mode would be, made, loaded or saved.
      type: bool
    origin:
      description: V(cache) when it existed already, else V(pull) or V(build).
      type: str
    archive:
      description: The image as a file, with O(images[].archive).
      type: str
    seconds:
      description: Time it took.
      type: float
builder:
  description: The command line that built (C(path), C(version), C(buildkit)); null when nothing had to be built.
  type: dict
  returned: always
needed:
  description: Names of images that wait for their sources.
  type: dict
  returned: to the action plugin, never to a task
changes:
  description:
    - In what the sources of older images of the same names differ from today's, by the older image's reference. What
      an image is made of is kept in C(sources) below O(cache_dir) for this.
  type: dict
  returned: always
  sample: {harvis.local/vhm-indexer:sha256-0123456789abcdef: [common/utils/vhm_common_utils/broker.py]}
deliverables:
  description: The images in the shape that M(harvis.platform.image_deliver) takes.
  type: list
  elements: dict
  returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.image.task import produce_images
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

IMAGE_SPEC: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "context": {"type": "str", "required": True},
    "dockerfile": {"type": "str", "default": "Dockerfile"},
    "include": {"type": "list", "elements": "str", "default": []},
    "build_args": {"type": "dict", "default": {}},
    "target": {"type": "str"},
    "base": {"type": "str"},
    "upstream": {"type": "str"},
    "origin": {"type": "str", "choices": ["auto", "cache", "pull", "build"], "default": "auto"},
    "archive": {"type": "bool", "default": False},
    "load": {"type": "bool", "default": False},
}

ARGUMENT_SPEC: dict[str, t.Any] = {
    "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE_SPEC},
    "prefix": {"type": "str", "default": "harvis.local"},
    "cache_dir": {"type": "path", "required": True},
    "src_dir": {"type": "path", "default": "/var/lib/harvis/src"},
    "log_dir": {"type": "path", "default": "/var/lib/harvis/log"},
    "parallel": {"type": "int", "default": 2},
    "ca_bundle": {"type": "path"},
    "pip_config": {"type": "path"},
    # Ids and paths of files; the files' contents are never read here.
    "secrets": {"type": "dict", "default": {}, "no_log": False},
    "docker_host": {"type": "str"},
    "docker_cli": {"type": "path"},
    "network": {"type": "str", "choices": ["default", "host", "none"], "default": "default"},
    "timeout": {"type": "int", "default": 3600},
    "prepared": {"type": "dict"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    return produce_images(module.params, SystemRunner(), check_mode=module.check_mode)


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
