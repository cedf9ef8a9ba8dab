"""The frame every module shares: run one function, turn its dataclass or its findings into Ansible's answer."""

from __future__ import annotations

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError


def run_module(
    argument_spec: dict[str, t.Any],
    call: t.Callable[[AnsibleModule], dict[str, t.Any]],
    *,
    supports_check_mode: bool = True,
    **rules: t.Any,
) -> None:
    """Parse, call the concept, exit. ``rules`` are AnsibleModule's own (``required_if`` and the like)."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=supports_check_mode, **rules)
    try:
        result = call(module)
    except HarvisError as exc:
        module.fail_json(**exc.to_result())
    except ImportError as exc:
        library = (exc.name or "unknown").partition(".")[0]
        finding = Finding(
            "PLB-LIBRARY",
            library,
            missing_required_lib(library),
            fix="Run the play with the project's virtualenv (`make up`), or install the library for this interpreter.",
        )
        module.fail_json(msg=str(finding), findings=[finding.to_dict()], exception=traceback.format_exc())
    module.exit_json(**result)
