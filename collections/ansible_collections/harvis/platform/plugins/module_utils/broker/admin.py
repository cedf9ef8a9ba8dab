"""The broker, through confluent-kafka's AdminClient."""

from __future__ import annotations

import socket
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import BrokerError, broker_error
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import FoundTopic, Topic, TopicPlan
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

_CONNECT_SECONDS = 3.0
_SETTLE_SECONDS = 0.2
# The library ends a request itself; waiting longer only guards against a lost answer.
_GRACE_SECONDS = 5.0


class Admin(t.Protocol):
    """What the plan needs of a broker; tests hand in one that lives in memory."""

    def topics(self, configs_of: t.Collection[str]) -> dict[str, FoundTopic]: ...

    def apply(self, plan: TopicPlan) -> None: ...


@dataclass(frozen=True)
class KafkaAdmin:
    """One cluster of brokers, found through ``bootstrap``; every wait ends after ``timeout`` seconds."""

    bootstrap: str
    timeout: float

    def topics(self, configs_of: t.Collection[str]) -> dict[str, FoundTopic]:
        """Every topic, and the effective configuration of those in ``configs_of``.

        Raises BrokerError (KFK-UNREACHABLE) naming the address that does not answer.
        """
        client = self.client()
        metadata = self.metadata(client)
        names = {name for name in metadata.topics if not metadata.topics[name].error}
        configs = self._configs(client, sorted(names & set(configs_of)))
        return {
            name: FoundTopic(
                name,
                partitions=len(metadata.topics[name].partitions),
                replication_factor=_replicas(metadata.topics[name]),
                config=configs.get(name, {}),
                internal=name.startswith("__"),
            )
            for name in names
        }

    def apply(self, plan: TopicPlan) -> None:
        """Take the plan's steps, and return when the brokers show their effect.

        Raises BrokerError (KFK-REFUSED) naming each topic and the broker's reason.
        """
        client = self.client()
        limits = {"operation_timeout": self.timeout, "request_timeout": self.timeout}
        refused: list[Finding] = []
        if plan.delete:
            refused += self._settle(client.delete_topics(list(plan.delete), **limits), "deleted")[1]
        if plan.create:
            refused += self._settle(
                client.create_topics([_new_topic(topic) for topic in plan.create], **limits), "created"
            )[1]
        if plan.grow:
            refused += self._settle(client.create_partitions(_new_partitions(plan.grow), **limits), "grown")[1]
        if plan.configure:
            changes = client.incremental_alter_configs(_config_changes(plan.configure), request_timeout=self.timeout)
            refused += self._settle(changes, "configured")[1]
        if refused:
            raise BrokerError(*refused)
        self._until_shown(client, plan)

    def client(self) -> t.Any:
        settings = {
            "bootstrap.servers": self.bootstrap,
            "socket.timeout.ms": int(self.timeout * 1000),
            # Reasons are asked for and said once; librdkafka would write each retry to stderr.
            "log_level": 0,
        }
        return _library().AdminClient(settings)

    def metadata(self, client: t.Any) -> t.Any:
        from confluent_kafka import KafkaException

        try:
            metadata = client.list_topics(timeout=self.timeout)
        except KafkaException as exc:
            raise BrokerError(self._unreachable(str(exc.args[0]))) from exc
        silent = [f for f in map(self._advertised, metadata.brokers.values()) if f]
        if silent:
            raise BrokerError(*silent)
        return metadata

    def _unreachable(self, evidence: str) -> Finding:
        tried = "; ".join(f"{address}: {why}" for address, why in map(_try, self.bootstrap.split(",")) if why)
        fix = "Start the broker, or name the address under which this machine reaches it (host:port)."
        cause = "no broker answers" if tried else "something listens, and does not answer as a Kafka broker"
        return Finding("KFK-UNREACHABLE", f"broker {self.bootstrap}", cause, tried or evidence, fix)

    def _advertised(self, broker: t.Any) -> Finding | None:
        """A broker tells clients where to go on; an address that is good elsewhere is of no use here."""
        address, why = _try(f"{broker.host}:{broker.port}")
        if not why:
            return None
        return Finding(
            "KFK-UNREACHABLE",
            f"broker {address}",
            f"{self.bootstrap} answers and sends clients to {address}, which this machine cannot reach",
            f"{address}: {why}",
            "Correct advertised.listeners of the listener behind the bootstrap address.",
        )

    def _configs(self, client: t.Any, names: list[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        resource_type = _library().ConfigResource
        asked = [resource_type(resource_type.Type.TOPIC, name) for name in names]
        futures = client.describe_configs(asked, request_timeout=self.timeout)
        answers, refused = self._settle(futures, "described")
        if refused:
            raise BrokerError(*refused)
        return {name: {key: str(e.value) for key, e in entries.items()} for name, entries in answers.items()}

    def _settle(self, futures: t.Mapping[t.Any, t.Any], verb: str) -> tuple[dict[str, t.Any], list[Finding]]:
        """What came of each topic: the result, or a finding with the broker's reason."""
        from confluent_kafka import KafkaException

        results: dict[str, t.Any] = {}
        refused: list[Finding] = []
        for key, future in futures.items():
            name = str(getattr(key, "name", key))
            try:
                results[name] = future.result(timeout=self.timeout + _GRACE_SECONDS)
            except KafkaException as exc:
                error = exc.args[0]
                evidence = f"{error.name()}: {error.str()}"
                fix = "Correct the description of the topic, or give this client the right on it."
                refused.append(Finding("KFK-REFUSED", f"topic {name}", f"it could not be {verb}", evidence, fix))
        return results, refused

    def _until_shown(self, client: t.Any, plan: TopicPlan) -> None:
        """Metadata travels after the answer: a reader that comes at once would see the state before."""
        wanted = {topic.name: topic.partitions or 1 for topic in plan.create} | dict(plan.grow)

        def shown() -> bool:
            topics = self.metadata(client).topics
            there = all(n in topics and len(topics[n].partitions) >= count for n, count in wanted.items())
            return there and not set(plan.delete) & set(topics)

        self._until(shown, "the change was accepted and is not shown")

    def _until(self, is_true: t.Callable[[], bool], otherwise: str) -> None:
        end = time.monotonic() + self.timeout
        while not is_true():
            if time.monotonic() > end:
                raise broker_error("KFK-REFUSED", f"broker {self.bootstrap}", f"{otherwise} after {self.timeout:.0f} s")
            time.sleep(_SETTLE_SECONDS)


def _try(address: str) -> tuple[str, str]:
    """The address, and why nothing answers there; an empty reason when something does."""
    host, _, port = address.strip().rpartition(":")
    if not host or not port.isdigit():
        return address, "this is not host:port"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS):
            return address, ""
    except OSError as exc:
        return address, exc.strerror or str(exc)


def _replicas(topic: t.Any) -> int:
    return min((len(partition.replicas) for partition in topic.partitions.values()), default=0)


def _library() -> t.Any:
    from confluent_kafka import admin

    return admin


def _new_topic(topic: Topic) -> t.Any:
    # -1 asks for the broker's default.
    counts = topic.partitions or -1, topic.replication_factor or -1
    return _library().NewTopic(topic.name, *counts, config=dict(topic.config))


def _new_partitions(grow: t.Mapping[str, int]) -> list[t.Any]:
    return [_library().NewPartitions(name, count) for name, count in grow.items()]


def _config_changes(configure: t.Mapping[str, t.Mapping[str, str]]) -> list[t.Any]:
    library = _library()
    resource_type = library.ConfigResource
    return [
        resource_type(
            resource_type.Type.TOPIC,
            name,
            incremental_configs=[
                library.ConfigEntry(key, value, incremental_operation=library.AlterConfigOpType.SET)
                for key, value in wanted.items()
            ],
        )
        for name, wanted in configure.items()
    ]
