"""What became of each component on each host: read off the results of tasks, told as lines and as one table."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field, replace

STAGES = ("built", "delivered", "rolled out", "verified")
AS_IS = "as is"
FAILED = "failed"
DUE = "due"
_COLLECTION = "harvis.platform."
# Images of workers are called after them.
_PREFIXES = ("vhm-", "harvis-")


@dataclass(frozen=True)
class Step:
    """One stage of one component; ``outcome`` is what the table shows, ``changed`` whether anything was done."""

    component: str
    stage: str
    outcome: str
    seconds: float
    changed: bool = False
    failed: bool = False

    def line(self, host: str) -> str:
        what = f"{self.stage} {FAILED}" if self.failed else self.stage
        return f"{host}: {self.component} {what} ({self.seconds:.1f} s)"


def steps_of(action: str, args: t.Mapping[str, t.Any], result: t.Mapping[str, t.Any], seconds: float) -> list[Step]:
    """The steps that the result of a task tells of; none for tasks of other kinds and for skipped ones."""
    kind = action.removeprefix(_COLLECTION)
    if kind not in _KINDS or result.get("skipped"):
        return []
    if kind in _STAGES_OF_ONE and "results" in result:
        steps = [step for each in result["results"] for step in _of_a_loop(action, args, each, seconds)]
    elif kind in _STAGES_OF_ONE:
        names, stage = _asked(kind, args)
        steps = [_of_one(names[0], stage, bool(result.get("changed")), seconds)]
    else:
        steps = _READERS[kind](result, seconds)
    # In check mode nothing was done yet.
    checked = bool(args.get("_ansible_check_mode"))
    return [
        replace(step, outcome=DUE, seconds=0.0, changed=False) if checked and step.changed else step for step in steps
    ]


def _of_a_loop(action: str, args: t.Mapping[str, t.Any], result: t.Mapping[str, t.Any], seconds: float) -> list[Step]:
    """A loop's arguments are not filled in: the release says its name itself. The time is that of all."""
    name = (result.get("release") or {}).get("name")
    return steps_of(action, {**args, "name": name}, result, seconds) if name else []


def failed_steps(action: str, args: t.Mapping[str, t.Any], seconds: float) -> list[Step]:
    """The same of a task that failed, from what it was asked for."""
    kind = action.removeprefix(_COLLECTION)
    if kind not in _KINDS:
        return []
    names, stage = _asked(kind, args)
    return [Step(name, stage, FAILED, seconds, failed=True) for name in names]


def _built(result: t.Mapping[str, t.Any], _seconds: float) -> list[Step]:
    return [
        Step(_component(name), "built", _done(image["changed"], image["seconds"]), image["seconds"], image["changed"])
        for name, image in (result.get("images") or {}).items()
    ]


def _delivered(result: t.Mapping[str, t.Any], seconds: float) -> list[Step]:
    images = (result.get("images") or {}).items()
    sent = [name for name, image in images if image["changed"]]
    # One import brings them all: the time is told with those that travelled.
    return [
        Step(
            _component(name), "delivered", _done(name in sent, seconds), seconds if name in sent else 0.0, name in sent
        )
        for name, _image in images
    ]


def _of_one(name: str, stage: str, changed: bool, seconds: float) -> Step:
    return Step(name, stage, _done(changed, seconds), seconds if changed else 0.0, changed)


def _verified(name: str, result: t.Mapping[str, t.Any], seconds: float) -> list[Step]:
    passed = bool(result.get("passed"))
    return [Step(name, "verified", f"{seconds:.1f} s" if passed else FAILED, seconds, failed=not passed)]


_READERS: dict[str, t.Callable[[t.Mapping[str, t.Any], float], list[Step]]] = {
    "image_build": _built,
    "image_deliver": _delivered,
    "endpoint_check": functools.partial(_verified, "answers"),
    "rollout_info": functools.partial(_verified, "pods"),
}
# Tasks about one component, which their arguments name.
_STAGES_OF_ONE = ("helm_release", "kafka_topics")
_KINDS = (*_READERS, *_STAGES_OF_ONE)


def _asked(action: str, args: t.Mapping[str, t.Any]) -> tuple[list[str], str]:
    """Components and stage of a task that failed: what it was asked for, since it tells nothing itself."""
    if action in ("image_build", "image_deliver"):
        images = [image for image in args.get("images") or () if isinstance(image, dict)]
        names = [_component(str(image.get("name") or image.get("reference") or "images")) for image in images]
        return names or ["images"], "built" if action == "image_build" else "delivered"
    if action in ("endpoint_check", "rollout_info"):
        return ["pods" if action == "rollout_info" else "answers"], "verified"
    return [str(args.get("name") or "topics")], "rolled out"


def _component(name: str) -> str:
    """``harvis.local/vhm-indexer:sha256-…`` and ``vhm-indexer`` are both the indexer."""
    base = name.rpartition("/")[2].partition(":")[0]
    return next((base.removeprefix(prefix) for prefix in _PREFIXES if base.startswith(prefix)), base)


def _done(changed: bool, seconds: float) -> str:
    return f"{seconds:.1f} s" if changed else AS_IS


@dataclass
class Board:
    """Everything that was told so far, and where each host ended."""

    rows: dict[tuple[str, str], dict[str, Step]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)

    def add(self, host: str, step: Step) -> None:
        self.rows.setdefault((host, step.component), {})[step.stage] = step

    def stop(self, host: str, where: str) -> None:
        """The first failure is the cause; later ones are its consequences."""
        self.stopped.setdefault(host, where)

    def table(self) -> list[str]:
        """A line for each component on each host, with a last one for each host that did not come to its end."""
        head = ("host", "component", *STAGES, "seconds")
        lines = [head]
        for (host, component), stages in sorted(self.rows.items(), key=lambda row: row[0][0]):
            total = sum(step.seconds for step in stages.values())
            lines.append((host, component, *(_cell(stages.get(stage)) for stage in STAGES), f"{total:.1f}"))
        told = _columns(lines) if self.rows else []
        return told + [f"{host} stopped at: {where}" for host, where in sorted(self.stopped.items())]


def _cell(step: Step | None) -> str:
    return step.outcome if step else "-"


def _columns(lines: t.Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]
