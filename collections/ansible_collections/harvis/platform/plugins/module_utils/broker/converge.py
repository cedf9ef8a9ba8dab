"""Bringing a broker's topics to their description."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.broker.admin import Admin
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import BrokerError, broker_error
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import (
    FoundTopic,
    Topic,
    TopicPlan,
    plan_topics,
)


def converge_topics(admin: Admin, wanted: t.Sequence[Topic], *, check_mode: bool) -> dict[str, t.Any]:
    """Read, plan, apply; the module's result.

    What can be mended is mended first. Then BrokerError (KFK-DRIFT) is raised when something cannot,
    with ``reasons`` of what was changed.
    """
    _refuse_twice(wanted)
    names = {topic.name for topic in wanted}
    found = admin.topics(names)
    plan = plan_topics(wanted, found)
    before = _shown(found, wanted)
    after = _foreseen(plan, before)
    if plan.changed and not check_mode:
        admin.apply(plan)
        after = _shown(admin.topics(names), wanted)
    result = _result(plan, before, after)
    if plan.findings:
        raise BrokerError(*plan.findings, **result)
    return result


def _refuse_twice(wanted: t.Sequence[Topic]) -> None:
    names = [topic.name for topic in wanted]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise broker_error("PLB-INPUT", f"topic {twice[0]}", "it is described twice", fix="Keep one description.")


def _result(plan: TopicPlan, before: dict[str, t.Any], after: dict[str, t.Any]) -> dict[str, t.Any]:
    touched = {t.name for t in plan.create} | set(plan.delete) | set(plan.grow) | set(plan.configure)
    return {
        "changed": plan.changed,
        "reasons": list(plan.reasons),
        "topics": after,
        "unknown": list(plan.unknown),
        "internal": list(plan.internal),
        "diff": {
            "before": {name: before[name] for name in sorted(touched & set(before))},
            "after": {name: after[name] for name in sorted(touched & set(after))},
        },
    }


def _foreseen(plan: TopicPlan, before: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the steps will lead to; a number left to the broker is not known beforehand."""
    shown = {name: topic for name, topic in before.items() if name not in plan.delete}
    shown |= {topic.name: _entry(topic.partitions, topic.replication_factor, topic.config) for topic in plan.create}
    for name, count in plan.grow.items():
        shown[name] = {**shown[name], "partitions": count}
    for name, config in plan.configure.items():
        shown[name] = {**shown[name], "config": {**shown[name]["config"], **config}}
    return dict(sorted(shown.items()))


def _shown(found: t.Mapping[str, FoundTopic], wanted: t.Sequence[Topic]) -> dict[str, t.Any]:
    """The described topics, with the configuration that is described: the broker has dozens of defaults."""
    shown = {}
    for topic in sorted(wanted, key=lambda each: each.name):
        there = found.get(topic.name)
        if there:
            config = {key: there.config[key] for key in topic.config if key in there.config}
            shown[topic.name] = _entry(there.partitions, there.replication_factor, config)
    return shown


def _entry(partitions: int | None, replicas: int | None, config: t.Mapping[str, str]) -> dict[str, t.Any]:
    return {"partitions": partitions, "replication_factor": replicas, "config": dict(config)}
