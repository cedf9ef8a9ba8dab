"""The frame every module shares: run one function, turn its dataclass or its findings into Ansible's answer."""

from __future__ import annotations

import contextlib
import traceback
import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, HarvisError


class Task(t.Protocol):
    """What a module's function is told of its task; ``AnsibleModule`` is one."""

    params: t.Mapping[str, t.Any]
    check_mode: bool
    tmpdir: str

    def warn(self, warning: str) -> None: ...


@dataclass(frozen=True)
class Frame:
    """A module as it describes itself. ``rules`` are AnsibleModule's own (``required_if`` and the like)."""

    argument_spec: dict[str, t.Any]
    call: t.Callable[[t.Any], dict[str, t.Any]]
    supports_check_mode: bool = True
    rules: dict[str, t.Any] = field(default_factory=dict)

    def answer(self, task: Task) -> dict[str, t.Any]:
        """What the function returns, or ``failed`` with its findings."""
        try:
            return {"changed": False, **self.call(task)}
        except HarvisError as exc:
            return {"failed": True, **exc.to_result()}
        except ImportError as exc:
            library = (exc.name or "unknown").partition(".")[0]
            fix = "Run the play with the project's virtualenv (`make up`), or install the library for this interpreter."
            finding = Finding("PLB-LIBRARY", library, missing_required_lib(library), fix=fix)
            trace = traceback.format_exc()
            return {"failed": True, "msg": str(finding), "findings": [finding.to_dict()], "exception": trace}


_asked: list[list[Frame]] = []


def run_module(
    argument_spec: dict[str, t.Any],
    call: t.Callable[[t.Any], dict[str, t.Any]],
    *,
    supports_check_mode: bool = True,
    **rules: t.Any,
) -> None:
    """Parse, call the concept, exit."""
    frame = Frame(argument_spec, call, supports_check_mode, rules)
    if _asked:
        _asked[-1].append(frame)
        return
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=supports_check_mode, **rules)
    answer = frame.answer(module)
    if answer.pop("failed", False):
        module.fail_json(**answer)
    module.exit_json(**answer)


def frame_of(main: t.Callable[[], None]) -> Frame:
    """The frame that a module's ``main`` would run."""
    frames: list[Frame] = []
    with contextlib.ExitStack() as stack:
        _asked.append(frames)
        stack.callback(_asked.pop)
        main()
    return frames[0]
