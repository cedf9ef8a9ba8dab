"""Kafka's topics: desired and found, what can be mended, what needs a person."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.broker.admin import KafkaAdmin
from ansible_collections.harvis.platform.plugins.module_utils.broker.converge import converge_topics
from ansible_collections.harvis.platform.plugins.module_utils.broker.errors import BrokerError
from ansible_collections.harvis.platform.plugins.module_utils.broker.topics import Topic

__all__ = ["BrokerError", "KafkaAdmin", "Topic", "converge_topics"]
