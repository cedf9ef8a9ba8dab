"""Topics as described and as found, and the steps from one to the other. No broker in here."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import broker_error
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

_LEGAL_NAME = re.compile(r"^[a-zA-Z0-9._-]{1,249}$")


@dataclass(frozen=True)
class Topic:
    """A topic as described; None leaves a number to the broker's own default."""

    name: str
    partitions: int | None = None
    replication_factor: int | None = None
    config: t.Mapping[str, str] = field(default_factory=dict)
    absent: bool = False

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Topic:
        """Raises BrokerError when Kafka would not take the name or a number."""
        name = str(params["name"])
        if not _LEGAL_NAME.match(name) or name in (".", ".."):
            fix = "Use letters, digits, dots, underscores and hyphens, 249 at most."
            raise broker_error("PLB-INPUT", f"topic {name!r}", "this is not a topic name for Kafka", fix=fix)
        for key in ("partitions", "replication_factor"):
            if params.get(key) is not None and params[key] < 1:
                raise broker_error("PLB-INPUT", f"topic {name}", f"{key} is {params[key]}; it is at least 1")
        config = {str(key): _config_text(value) for key, value in (params.get("config") or {}).items()}
        absent = params.get("state") == "absent"
        return cls(name, params.get("partitions"), params.get("replication_factor"), config, absent)


@dataclass(frozen=True)
class FoundTopic:
    """A topic as the broker has it; ``config`` is the effective one, defaults included."""

    name: str
    partitions: int
    replication_factor: int
    config: t.Mapping[str, str] = field(default_factory=dict)
    internal: bool = False


@dataclass(frozen=True)
class TopicPlan:
    """Steps by kind, and what no step can mend."""

    create: tuple[Topic, ...] = ()
    delete: tuple[str, ...] = ()
    grow: t.Mapping[str, int] = field(default_factory=dict)
    configure: t.Mapping[str, t.Mapping[str, str]] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    unknown: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.create or self.delete or self.grow or self.configure)


def plan_topics(wanted: t.Sequence[Topic], found: t.Mapping[str, FoundTopic]) -> TopicPlan:
    """Compare; topics that nobody described are reported and left alone."""
    create: list[Topic] = []
    delete: list[str] = []
    grow: dict[str, int] = {}
    configure: dict[str, dict[str, str]] = {}
    reasons: list[str] = []
    findings: list[Finding] = []
    for topic in wanted:
        there = found.get(topic.name)
        if topic.absent:
            delete += [topic.name] if there else []
            reasons += [f"topic {topic.name} is there"] if there else []
        elif there is None:
            create.append(topic)
            reasons.append(f"topic {topic.name} is missing")
        else:
            findings += _unmendable(topic, there)
            if topic.partitions and topic.partitions > there.partitions:
                grow[topic.name] = topic.partitions
                reasons.append(f"topic {topic.name}: partitions {there.partitions} -> {topic.partitions}")
            differing = {k: v for k, v in topic.config.items() if not _same(there.config.get(k), v)}
            if differing:
                configure[topic.name] = differing
                reasons += [f"topic {topic.name}: {k} {there.config.get(k)} -> {v}" for k, v in differing.items()]
    described = {topic.name for topic in wanted}
    others = sorted(topic.name for topic in found.values() if topic.name not in described)
    return TopicPlan(
        tuple(create),
        tuple(delete),
        grow,
        configure,
        tuple(reasons),
        tuple(findings),
        unknown=tuple(name for name in others if not found[name].internal),
        internal=tuple(name for name in others if found[name].internal),
    )


def _unmendable(topic: Topic, there: FoundTopic) -> list[Finding]:
    findings = []
    if topic.partitions and topic.partitions < there.partitions:
        findings.append(
            Finding(
                "KFK-DRIFT",
                f"topic {topic.name}",
                f"it has {there.partitions} partitions and is described with {topic.partitions}",
                "Kafka cannot take partitions away: keys would move and messages would be lost.",
                f"Describe it with {there.partitions}, or delete it with its messages (state: absent) and run again.",
            )
        )
    if topic.replication_factor and topic.replication_factor != there.replication_factor:
        findings.append(
            Finding(
                "KFK-DRIFT",
                f"topic {topic.name}",
                f"it has {there.replication_factor} replicas and is described with {topic.replication_factor}",
                "",
                "Move it with kafka-reassign-partitions.sh, or describe it as it is.",
            )
        )
    return findings


def _config_text(value: t.Any) -> str:
    """Kafka writes true and false in lower case; YAML makes Python's words of them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _same(found: str | None, wanted: str) -> bool:
    """Lists such as cleanup.policy have no order and may have blanks."""
    if found is None:
        return False
    return found == wanted or sorted(p.strip() for p in found.split(",")) == sorted(
        p.strip() for p in wanted.split(",")
    )
