"""The loop that the indexer is set beside: poll, look, embed, upsert with wait, produce, flush, commit, each alone.

It does for one anchor what the indexer does for a batch, with the same libraries, and it is all that it does: no retry,
no dead letters, no health.
"""

from __future__ import annotations

import json
import sys

from confluent_kafka import Consumer, Producer
from vhm_common_utils.broker import consumer_config
from vhm_common_utils.data_models import Anchor
from vhm_common_utils.deterministic import deterministic_embed
from vhm_common_utils.store import AnchorStore, Space, connect


def main(bootstrap: str, url: str, collection: str, total: int) -> None:
    consumer = Consumer(consumer_config(bootstrap, "baseline"))
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0})
    store = AnchorStore(connect(url), collection, lambda: Space("deterministic", "deterministic", 384))
    consumer.subscribe(["anchors-write"])
    for _ in range(total):
        message = None
        while message is None:
            message = consumer.poll(1.0)
        anchor = Anchor.model_validate(json.loads(message.value()))
        anchor_id = str(anchor.anchor_id)
        if not store.find_many([anchor.anchor_id]):
            store.insert_many([anchor], [deterministic_embed(anchor.text, 384)])
        producer.produce("anchors-indexed", key=anchor_id, value=json.dumps({"anchor_id": anchor_id, "ok": True}))
        producer.flush()
        consumer.commit(message, asynchronous=False)
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
