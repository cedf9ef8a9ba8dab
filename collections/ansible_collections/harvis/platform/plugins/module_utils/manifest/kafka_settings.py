"""Settings of Kafka consumers, by whatever name a program gives them, and what is wrong with them.

https://kafka.apache.org/documentation/#consumerconfigs
"""

from __future__ import annotations

import re

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import words

_UNITS = {
    **dict.fromkeys(("MS", "MSEC", "MSECS", "MILLIS", "MILLISECONDS"), 0.001),
    **dict.fromkeys(("S", "SEC", "SECS", "SECOND", "SECONDS"), 1.0),
    **dict.fromkeys(("M", "MIN", "MINS", "MINUTE", "MINUTES"), 60.0),
    **dict.fromkeys(("H", "HOUR", "HOURS"), 3600.0),
}
_AMOUNT = re.compile(r"(?P<number>\d[\d_]*(?:\.\d+)?)\s*(?P<unit>[A-Za-z]*)")
_WORK = {"PROCESSING", "PROCESS", "JOB", "TASK", "HANDLER", "HANDLING", "INFERENCE"}
_BOUND = {"TIMEOUT", "DEADLINE", "LIMIT", "MAX", "DURATION"}
# Times of a job that are not the time it works on one message.
_OTHER_WORDS = """
RETRY RETRIES BACKOFF INTERVAL POLL SHUTDOWN GRACE CONNECT START STARTUP IDLE CACHE TTL LEASE QUEUE SESSION REQUEST
HEARTBEAT KEEPALIVE EXPIRY RETENTION HISTORY DELAY
"""
_OTHER = set(_OTHER_WORDS.split())


def is_offset_reset(name: str) -> bool:
    return words(name)[-3:] == ["AUTO", "OFFSET", "RESET"]


def skips_messages(value: str) -> bool:
    """Whether a group without offsets begins behind what is there already."""
    return value.lower() in ("latest", "largest", "end")


def is_poll_interval(name: str) -> bool:
    """``max.poll.interval.ms``, ``KAFKA_MAX_POLL_INTERVAL_SECONDS`` …"""
    said = words(name)
    return said[-4:-1] == ["MAX", "POLL", "INTERVAL"] and said[-1] in _UNITS


def processing_limit(name: str, value: str) -> float | None:
    """Seconds that work on one message may take, where name and value say just that."""
    said = set(words(name))
    if not (said & _WORK and said & _BOUND) or said & _OTHER:
        return None
    return seconds(name, value)


def seconds(name: str, value: str) -> float | None:
    """A duration; its unit stands behind the number or at the end of the name. None where neither says it."""
    match = _AMOUNT.fullmatch(value.strip())
    if match is None:
        return None
    unit = _UNITS.get((match["unit"] or (words(name) or [""])[-1]).upper())
    return None if unit is None else float(match["number"].replace("_", "")) * unit


def offset_finding(place: Place, name: str, value: str) -> Finding:
    return Finding.at(
        "KFK-OFFSET",
        place,
        f"{name} is {value}: a group that has no offsets yet never sees what was sent before it joined",
        fix="Use earliest and make processing idempotent, or accept the finding where only what is new counts.",
    )


def poll_finding(place: Place, name: str, interval: float, limit_name: str, limit: float) -> Finding:
    return Finding.at(
        "KFK-POLL",
        place,
        f"a message may take {limit:g} s ({limit_name}), the consumer may stay away {interval:g} s ({name})",
        fix="Set max.poll.interval.ms above the longest time that one poll's messages may take.",
    )
