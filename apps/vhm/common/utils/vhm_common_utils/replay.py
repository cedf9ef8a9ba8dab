"""Send dead letters to the topic that they came from: `python -m vhm_common_utils.replay --topic anchors-write.dlq`.

A letter goes back with its own key, bytes and headers, and with one more header, `replays`, that counts how often. One
that came back as often as --most allows is passed over, so that a message which nobody can ever process does not circle
for ever; it stays in the dead-letter topic as long as the broker keeps that. What was sent or passed over is committed
for the group `<topic>.replay`: the next run starts behind it. No run goes beyond what is there when it begins.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from vhm_common_utils import config
from vhm_common_utils.broker import Publisher, consumer_config
from vhm_common_utils.delivery import Publishes
from vhm_common_utils.errors import ProcessingError
from vhm_common_utils.messages import DEAD_LETTER_HEADERS, DEAD_LETTER_SUFFIX, Event, Headers, Outgoing
from vhm_common_utils.reading import to_event

REPLAYS = "replays"
MOST_REPLAYS = 3
WAIT_SECONDS = 10.0
_PORTION = 100
_LONGEST_MARK = 9
_EXIT_UNANSWERED = 1


class ReplayError(Exception):
    """The replay can't go on; what was sent before is committed."""


@dataclass(frozen=True)
class Choice:
    """Which letters go back."""

    topic: str
    limit: int | None = None
    most: int = MOST_REPLAYS
    is_dry: bool = False


def replays(headers: Headers) -> int:
    """How often a message was sent back; a mark that is no number counts as none."""
    text = dict(headers).get(REPLAYS) or b""
    return int(text) if text.isdigit() and len(text) <= _LONGEST_MARK else 0


def letter_to_message(letter: Event) -> Outgoing:
    """The message as it came, with its mark; raises `ValueError` where the letter does not say where it came from."""
    ours = dict(letter.headers)
    topic = (ours.get("source-topic") or b"").decode(errors="replace")
    if not topic or topic.endswith(DEAD_LETTER_SUFFIX):
        raise ValueError("names no topic that it came from")
    mark = (REPLAYS, str(replays(letter.headers) + 1).encode())
    return Outgoing(topic, letter.key, letter.value, (*_own(letter.headers), mark))


def _own(headers: Headers) -> Headers:
    """Without the last of each name that a dead letter adds: an event may carry headers of the same names."""
    kept = list(headers)
    for name in (*DEAD_LETTER_HEADERS, REPLAYS):
        last = next((index for index in reversed(range(len(kept))) if kept[index][0] == name), None)
        if last is not None:
            del kept[last]
    return tuple(kept)


class Replay:
    """One run over a dead-letter topic."""

    def __init__(
        self, consumer: Any, publisher: Publishes, choice: Choice, *, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._consumer = consumer
        self._publisher = publisher
        self._choice = choice
        self._wait = wait_seconds

    def run(self) -> Iterator[dict[str, Any]]:
        """What became of each letter. It is said after the letter's offset is committed."""
        left = self._choice.limit
        for start, end in self._ranges():
            self._consumer.assign([start])
            position = start.offset
            while position < end and left != 0:
                letters = self._read(end, min(_PORTION, left or _PORTION))
                if not letters:
                    # What the broker deleted, or a transaction's mark, has an offset and no message.
                    break
                position = letters[-1].offset + 1
                yield from self._send(letters)
                left = None if left is None else left - len(letters)

    def _ranges(self) -> list[tuple[TopicPartition, int]]:
        """Where each partition goes on, and where it ends now: what fails again meanwhile is for another run."""
        try:
            known = self._consumer.list_topics(self._choice.topic, timeout=self._wait).topics[self._choice.topic]
            if known.error:
                raise ReplayError(f"{self._choice.topic}: {known.error.str()}")
            parts = [TopicPartition(self._choice.topic, number) for number in sorted(known.partitions)]
            committed = self._consumer.committed(parts, timeout=self._wait)
            found = []
            for part in committed:
                first, end = self._consumer.get_watermark_offsets(part, timeout=self._wait)
                found.append((TopicPartition(part.topic, part.partition, max(first, part.offset)), end))
        except KafkaException as error:
            raise ReplayError(f"the broker does not answer: {error.args[0].str()}") from error
        return [(start, end) for start, end in found if start.offset < end]

    def _read(self, end: int, most: int) -> list[Event]:
        messages = self._consumer.consume(1, self._wait)
        if messages and most > 1 and not messages[0].error():
            messages += self._consumer.consume(min(most, end - messages[0].offset()) - 1, 0.1)
        for message in messages:
            if message.error():
                raise ReplayError(message.error().str())
        return [event for event in map(to_event, messages) if event.offset < end]

    def _send(self, letters: Sequence[Event]) -> Iterator[dict[str, Any]]:
        plans = [self._plan(letter) for letter in letters]
        sent = [message for message, _ in plans if message is not None]
        if not self._choice.is_dry:
            self._publish(sent)
            last = letters[-1]
            position = TopicPartition(last.topic, last.partition, last.offset + 1)
            try:
                self._consumer.commit(offsets=[position], asynchronous=False)
            except KafkaException as error:
                raise ReplayError(f"sent, and not committed: {error.args[0].str()}") from error
        for letter, (_, record) in zip(letters, plans, strict=True):
            yield {"partition": letter.partition, "offset": letter.offset, **record}

    def _plan(self, letter: Event) -> tuple[Outgoing | None, dict[str, Any]]:
        facts = {"reason": (dict(letter.headers).get("reason") or b"").decode(errors="replace")}
        before = replays(letter.headers)
        if before >= self._choice.most:
            return None, {"done": "passed over", "why": f"sent back {before} times already", **facts}
        try:
            message = letter_to_message(letter)
        except ValueError as error:
            return None, {"done": "passed over", "why": f"the letter {error}", **facts}
        return message, {"done": "would send" if self._choice.is_dry else "sent", "to": message.topic, **facts}

    def _publish(self, messages: Sequence[Outgoing]) -> None:
        errors: list[ProcessingError] = [error for error in self._publisher.publish(messages) if error is not None]
        if errors:
            raise ReplayError(f"{len(errors)} of {len(messages)} letters were not sent: {errors[0].detail}")


def parse(arguments: Sequence[str] | None) -> Choice:
    parser = argparse.ArgumentParser(
        prog="python -m vhm_common_utils.replay", description="Send dead letters to the topic that they came from."
    )
    parser.add_argument(
        "--topic", required=True, help=f"the dead-letter topic, such as anchors-write{DEAD_LETTER_SUFFIX}"
    )
    parser.add_argument("--limit", type=_positive, help="look at no more letters than this")
    parser.add_argument("--most", type=_positive, default=MOST_REPLAYS, help="pass over what was sent back so often")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and change nothing")
    given = parser.parse_args(arguments)
    if not given.topic.endswith(DEAD_LETTER_SUFFIX):
        parser.error(f"{given.topic} is no dead-letter topic: its name ends in {DEAD_LETTER_SUFFIX}")
    return Choice(given.topic, given.limit, given.most, given.dry_run)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    choice = parse(arguments)
    group = f"{choice.topic}.replay"
    consumer = Consumer(consumer_config(config.KAFKA_BOOTSTRAP, group))
    publisher = Publisher.connect(config.KAFKA_BOOTSTRAP, f"replay-{uuid.uuid4()}", WAIT_SECONDS)
    try:
        for record in Replay(consumer, publisher, choice, wait_seconds=WAIT_SECONDS).run():
            print(json.dumps(record, ensure_ascii=False), flush=True)
    except ReplayError as error:
        print(f"replay: {error}", file=sys.stderr)
        return _EXIT_UNANSWERED
    finally:
        consumer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
