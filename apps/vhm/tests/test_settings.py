"""Each worker's settings: exactly the variables that the table says it reads, and what they become."""

from __future__ import annotations

from typing import Any

import pytest
from vhm_common_utils import config, embedding, memory
from vhm_common_utils.retry import RetryPolicy
from workers.vhm_indexer import settings as indexer
from workers.vhm_resonance import settings as resonance
from workers.vhm_resonance.recall import RecallSettings
from workers.vhm_reteller import settings as reteller
from workers.vhm_reteller import tellers

MODULES = (embedding, memory, indexer, resonance, reteller, tellers)
SETTINGS: list[tuple[str, Any]] = [
    ("indexer", indexer.IndexerSettings),
    ("resonance", resonance.ResonanceSettings),
    ("reteller", reteller.RetellerSettings),
]


class Watched:
    """The configuration, which notes what is read of it."""

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return self.values[name] if name in self.values else getattr(config, name)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    # Its default is a guess, so that it is looked at only where somebody set it.
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://ollama:11434")
    found = Watched()
    for module in MODULES:
        monkeypatch.setattr(module, "config", found)
    return found


@pytest.mark.parametrize(("worker", "settings"), SETTINGS, ids=[row[0] for row in SETTINGS])
def test_worker_reads_what_the_table_says(worker: str, settings: Any, watched: Watched) -> None:
    settings.from_config()
    table = {variable.name for variable in config.VARIABLES if worker in variable.read_by}
    assert {name for name in watched.read if name.isupper()} == table


@pytest.mark.parametrize(("_", "settings"), SETTINGS, ids=[row[0] for row in SETTINGS])
def test_secret_is_in_no_text(_: str, settings: Any, watched: Watched) -> None:
    watched.values.update(OPENAI_API_KEY="hidden-1", PORTKEY_API_KEY="hidden-2")
    assert "hidden" not in repr(settings.from_config())


def test_values_go_where_they_belong(watched: Watched) -> None:
    watched.values.update(
        INDEXER_QDRANT_RETRIES=1,
        INDEXER_QDRANT_RETRY_BACKOFF_SECONDS=2.0,
        INDEXER_KAFKA_RETRIES=3,
        INDEXER_KAFKA_RETRY_BACKOFF_SECONDS=4.0,
        RETELLER_KAFKA_RETRIES=5,
        RETELLER_KAFKA_RETRY_BACKOFF_SECONDS=6.0,
        RESONANCE_MAX_BEATS=7,
        RESONANCE_DIVERSITY_THRESHOLD=0.5,
    )
    found = indexer.IndexerSettings.from_config()
    assert (found.storing, found.publishing) == (RetryPolicy(1, 2.0), RetryPolicy(3, 4.0))
    assert reteller.RetellerSettings.from_config().publishing == RetryPolicy(5, 6.0)
    assert resonance.ResonanceSettings.from_config().recall == RecallSettings(7, 0.5)
