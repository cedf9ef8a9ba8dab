"""What the workers read from their environment."""

import os


def _read_env(*names, transform=str, default=None):
    for name in names:
        text = os.environ.get(name, "").strip()
        if text:
            return transform(text)
    return default


def _boolean(text):
    word = text.lower()
    if word not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return word == "true"


KAFKA_BOOTSTRAP = _read_env("KAFKA_BOOTSTRAP", "KAFKA_BOOTSTRAP_SERVERS", default="kafka:9092")
QDRANT_URL = os.environ["QDRANT_URL"]
RESONANCE_MAX_BEATS = _read_env("RESONANCE_MAX_BEATS", transform=int, default=3)
RESONANCE_LOG_JSON = _read_env("RESONANCE_LOG_JSON", transform=_boolean, default=False)
OLLAMA_URL = os.getenv("OLLAMA_URL", "http://localhost:11434")
