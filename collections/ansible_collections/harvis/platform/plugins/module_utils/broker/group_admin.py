"""Consumer groups, through confluent-kafka's AdminClient."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.broker.admin import KafkaAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import broker_error
from ansible_collections.harvis.platform.plugins.module_utils.broker.groups import Group, GroupState, Partition

_LATER = ("COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "LEADER_NOT_AVAILABLE")
_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class GroupAdmin:
    """One cluster of brokers; every wait ends after ``timeout`` seconds."""

    bootstrap: str
    timeout: float

    def groups(self, wanted: t.Sequence[Group]) -> dict[str, GroupState]:
        """Raises BrokerError (KFK-UNREACHABLE) naming the address that does not answer, or KFK-REFUSED."""
        admin = KafkaAdmin(self.bootstrap, self.timeout)
        client = admin.client()
        metadata = admin.metadata(client)
        places = {
            group.name: [
                (topic, number)
                for topic in group.topics
                if topic in metadata.topics
                for number in metadata.topics[topic].partitions
            ]
            for group in wanted
        }
        every = sorted({place for found in places.values() for place in found})
        first, last = self._offsets(client, every, "earliest"), self._offsets(client, every, "latest")
        members = self._members(client, [group.name for group in wanted])
        states = {}
        for group in wanted:
            committed = self._committed(client, group.name, places[group.name])
            # Kafka deletes old messages: what was committed before the first that is left no longer waits.
            begin = {place: max(committed.get(place, 0), first[place]) for place in places[group.name]}
            waiting = {place: max(0, last[place] - offset) for place, offset in begin.items()}
            states[group.name] = GroupState(members.get(group.name, 0), committed, waiting)
        return states

    def _members(self, client: t.Any, names: t.Sequence[str]) -> dict[str, int]:
        def ask(name: str) -> t.Any:
            return client.describe_consumer_groups([name], request_timeout=self.timeout)[name]

        return {name: len(self._answer(lambda n=name: ask(n), f"group {name}").members) for name in names}

    def _committed(self, client: t.Any, name: str, places: t.Sequence[Partition]) -> dict[Partition, int]:
        from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

        if not places:
            return {}
        asked = ConsumerGroupTopicPartitions(name, [TopicPartition(*place) for place in places])

        def ask() -> t.Any:
            return client.list_consumer_group_offsets([asked], request_timeout=self.timeout)[name]

        found = self._answer(ask, f"group {name}").topic_partitions
        # A negative offset stands for nothing committed yet.
        return {(entry.topic, entry.partition): entry.offset for entry in found if entry.offset >= 0}

    def _offsets(self, client: t.Any, places: t.Sequence[Partition], which: str) -> dict[Partition, int]:
        from confluent_kafka import TopicPartition, admin

        library: t.Any = admin
        spec = getattr(library.OffsetSpec, which)()

        def ask(place: Partition) -> t.Any:
            asked = TopicPartition(*place)
            return client.list_offsets({asked: spec}, request_timeout=self.timeout)[asked]

        return {place: self._answer(lambda p=place: ask(p), f"topic {place[0]}").offset for place in places}

    def _answer(self, ask: t.Callable[[], t.Any], subject: str) -> t.Any:
        """A broker that has just made or loaded its offsets says so, and answers a moment later."""
        from confluent_kafka import KafkaException

        end = time.monotonic() + self.timeout
        while True:
            try:
                return ask().result(timeout=self.timeout)
            except (KafkaException, TimeoutError) as exc:
                error = exc.args[0] if exc.args else exc
                if getattr(error, "name", str)() in _LATER and time.monotonic() < end:
                    time.sleep(_AGAIN_SECONDS)
                    continue
                fix = "Give this client the right to describe it."
                raise broker_error(
                    "KFK-REFUSED", subject, "it cannot be described", evidence=str(error), fix=fix
                ) from exc
