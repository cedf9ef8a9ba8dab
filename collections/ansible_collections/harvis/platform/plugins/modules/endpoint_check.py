#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: endpoint_check
short_description: Prove that endpoints answer what they promise
version_added: 0.1.0
description:
  - Asks the platform's backend for real work, through its Service, and judges what comes back rather than its status.
    A page of HTML with status 200, a model that gives no tokens, a silent sound file or a memory that is not
    recalled is a failed check.
  - All checks are run, and all rows are returned, even when some fail.
  - The memory that the checks write is dated one hour back and is deleted at the end, also after a failure. The
    deletion is a row of its own, C(forget).
options:
  backend:
    description: Address of the backend, as its users reach it. Needed for O(checks) and O(gpu).
    type: str
  checks:
    description:
      - Checks of the platform to run on O(backend), in the order given here.
      - V(recall) and V(retell) rest on V(remember), which is then run as well.
    type: list
    elements: str
    choices: [ready, models, chat, speak, remember, recall, retell]
    default: [ready, models, chat, speak, remember, recall, retell]
  http:
    description: Checks of any other endpoints.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the row is called; by default method and address.
        type: str
      url:
        description: Address to ask.
        type: str
        required: true
      method:
        description: HTTP method.
        type: str
        default: GET
      body:
        description: Sent as JSON.
        type: raw
      headers:
        description: Headers to send; never shown.
        type: dict
      time_limit:
        description: Seconds for the whole answer.
        type: float
      expect:
        description: What the answer must be.
        type: dict
        suboptions:
          status:
            description: Status codes that are right.
            type: list
            elements: int
            default: [200]
          content_type:
            description: Media type, without parameters. Left open by default.
            type: str
          schema:
            description: JSON schema that the body must satisfy.
            type: dict
  gpu:
    description:
      - Containers that were granted a GPU. With any of them a row C(gpu-use) is added, which fails with GPU-FALLBACK
        where one computes on the CPU nevertheless. V(chat) is then run as well, since Ollama tells only of models
        that are loaded.
      - Of Ollama, the part of each loaded model in GPU memory counts; of the backend, what torch, ONNX Runtime and the
        speech engines say.
    type: list
    elements: str
    choices: [ollama, backend]
    default: []
  gpu_simulated:
    description: Whether the cards are simulated. The row C(gpu-use) then passes, and says so.
    type: bool
    default: false
  model:
    description: The model that has to answer. By default any model that the backend uses.
    type: str
  message:
    description: What the model is asked.
    type: str
    default: Say hello in one short sentence.
  sentence:
    description: What is spoken; one sentence, so that the length of the sound can be judged.
    type: str
    default: Your memories stay on your own machine.
  allow_degraded:
    description: Whether an answer without speech passes when the backend says why, and a model with a part on the CPU.
    type: bool
    default: false
  wait:
    description: Seconds that the backend may take to become ready before the checks begin.
    type: float
    default: 0
  time_limits:
    description: Seconds for the whole answer, by check (also V(forget), V(gpu-use) and V(http)).
    type: dict
    default: {}
  api_key:
    description: A key that the backend asks its clients for. It is shown to O(backend) alone, and never in an answer.
    type: str
  validate_certs:
    description: Whether a TLS certificate must be trusted.
    type: bool
    default: true
  use_proxy:
    description: Whether the proxies of the environment are used.
    type: bool
    default: false
  report_only:
    description: Return failed rows instead of failing, so that evidence can be written first.
    type: bool
    default: false
extends_documentation_fragment: [harvis.platform.attributes]
attributes:
  check_mode:
    support: partial
    details: Checks that write a memory are left out.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: Never reports a change; the memory it writes is deleted again.
author: Harvis Platform maintainers
"""

EXAMPLES = r"""
- name: Prove that the platform works
  harvis.platform.endpoint_check:
    backend: http://192.0.2.10:30080
    wait: 120
  delegate_to: localhost

- name: Look at a metrics page
  harvis.platform.endpoint_check:
    checks: []
    http:
      - name: broker metrics
        url: http://192.0.2.10:30404/metrics
        expect:
          content_type: text/plain
  delegate_to: localhost
"""

RETURN = r"""
passed:
  description: Whether every row passed.
  type: bool
  returned: always
rows:
  description: One row per check.
  type: list
  elements: dict
  returned: always
  contains:
    check:
      description: The check's name; V(http) for those of O(http).
      type: str
    subject:
      description: What was checked.
      type: str
    passed:
      description: Whether it did what it promises.
      type: bool
    evidence:
      description: What was seen.
      type: str
    seconds:
      description: How long it took.
      type: float
findings:
  description: Why rows failed, each with its cause and a fix.
  type: list
  elements: dict
  returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.harvis.platform.plugins.module_utils.evidence.row import Proof, stop_on_failure, to_result
from ansible_collections.harvis.platform.plugins.module_utils.module import run_module
from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Client
from ansible_collections.harvis.platform.plugins.module_utils.probe.gpu_use import CONTAINERS
from ansible_collections.harvis.platform.plugins.module_utils.probe.http import HttpCheck
from ansible_collections.harvis.platform.plugins.module_utils.probe.suite import (
    CHECKS,
    GPU_USE,
    READ_ONLY,
    run_checks,
    run_http,
)
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Settings, Visit

EXPECT_SPEC = {
    "status": {"type": "list", "elements": "int", "default": [200]},
    "content_type": {"type": "str"},
    "schema": {"type": "dict"},
}
HTTP_SPEC = {
    "name": {"type": "str"},
    "url": {"type": "str", "required": True},
    "method": {"type": "str", "default": "GET"},
    "body": {"type": "raw"},
    "headers": {"type": "dict", "no_log": True},
    "time_limit": {"type": "float"},
    "expect": {"type": "dict", "options": EXPECT_SPEC},
}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "backend": {"type": "str"},
    "checks": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": list(CHECKS)},
    "http": {"type": "list", "elements": "dict", "default": [], "options": HTTP_SPEC},
    "gpu": {"type": "list", "elements": "str", "choices": list(CONTAINERS), "default": []},
    "gpu_simulated": {"type": "bool", "default": False},
    "model": {"type": "str"},
    "message": {"type": "str", "default": Settings.message},
    "sentence": {"type": "str", "default": Settings.sentence},
    "allow_degraded": {"type": "bool", "default": False},
    "wait": {"type": "float", "default": 0},
    "time_limits": {"type": "dict", "default": {}},
    "api_key": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "use_proxy": {"type": "bool", "default": False},
    "report_only": {"type": "bool", "default": False},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    settings = Settings.from_params(params)
    keys = {params["backend"]: params["api_key"]} if params["backend"] and params["api_key"] else {}
    with Client(validate_certs=params["validate_certs"], use_proxy=params["use_proxy"], keys=keys) as client:
        proofs: list[Proof] = []
        asked = [*params["checks"], *([GPU_USE] if params["gpu"] else [])]
        if asked:
            names = [name for name in asked if name in READ_ONLY or not module.check_mode]
            proofs += run_checks(Visit(settings, client), names)
        proofs += run_http(client, [HttpCheck.from_params(check, settings.limit("http")) for check in params["http"]])
    if not params["report_only"]:
        stop_on_failure(proofs)
    return to_result(proofs)


def main() -> None:
    run_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
