"""``POST /api/memories``: a memory is stored and indexed. It is dated back, because recall leaves out fresh ones."""

from __future__ import annotations

import datetime as dt
import json

from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Answer
from ansible_collections.harvis.platform.plugins.module_utils.probe.content import TEXT, Promise, keep, record
from ansible_collections.harvis.platform.plugins.module_utils.probe.visit import Visit

PATH = "/api/memories"
AGE = dt.timedelta(hours=1)
# The highest salience there is: no memory of the user can outweigh the one that the next check looks for.
SALIENCE = 2.5
_CREATED = record({"anchor_id": TEXT})
_FIX = "Look at the indexer's log (`kubectl logs -n vhm deploy/indexer`) and at the topic anchors-indexed."


def check(visit: Visit) -> str:
    stored_at = (visit.now - AGE).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {
        "text": visit.memory_text,
        "stored_at": stored_at,
        "salience": SALIENCE,
        "meta": {"source": "harvis verification"},
    }
    visit.memory_tried = True
    answer = visit.send("remember", "POST", PATH, body)
    _claim_from_refusal(visit, answer)
    anchor_id = keep(answer, Promise(status=(201,), schema=_CREATED), fix=_FIX)["anchor_id"]
    visit.claim(anchor_id, stored=True)
    return f"stored and indexed as {anchor_id}, dated {stored_at}"


def _claim_from_refusal(visit: Visit, answer: Answer) -> None:
    """An answer that came too late or broken may still name the anchor, which then must be deleted too."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return
    if isinstance(found, dict) and isinstance(found.get("anchor_id"), str) and answer.status != 409:
        visit.claim(found["anchor_id"], stored=False)
