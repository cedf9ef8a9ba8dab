"""Words in names, slips of names, and names that say *secret*."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import meant, words
from ansible_collections.harvis.platform.plugins.module_utils.manifest.secrecy import holds_secret


@pytest.mark.parametrize("name", ["KAFKA_BOOTSTRAP", "kafka.bootstrap", "--kafka-bootstrap", "kafkaBootstrap"])
def test_words(name: str) -> None:
    assert words(name) == ["KAFKA", "BOOTSTRAP"]


SLIPS = [
    pytest.param("qdrnt", ["qdrant"], "qdrant", id="left-out"),
    pytest.param("stoer", ["store"], "store", id="swapped"),
    pytest.param("web-setting", ["web-settings", "web-secrets"], "web-settings", id="plural"),
    pytest.param("web-1", ["web-2"], "", id="siblings-differ-in-digits"),
    pytest.param("backend", ["backend-ui"], "", id="another-name-with-the-same-beginning"),
    pytest.param("api", ["apm"], "", id="too-short-to-tell"),
    pytest.param("store", ["store"], "", id="no-slip"),
    pytest.param("redis", ["kafka"], "", id="another"),
]


@pytest.mark.parametrize(("name", "known", "wanted"), SLIPS)
def test_slips(name: str, known: list[str], wanted: str) -> None:
    assert meant(name, known) == wanted


SECRETS = [
    ("SMTP_PASSWORD", "hunter2"),
    ("smtpPassword", "hunter2"),
    ("DB_PASS", "hunter2"),
    ("OPENAI_API_KEY", "k-1234567"),
    ("AWS_SECRET_ACCESS_KEY", "abcdefgh"),
    ("oauth.client.secret", "abcdefgh"),
    ("HF_TOKEN", "abcdefgh"),
    ("PASSWORD", "changeme"),
    ("DATABASE_URL", "postgres://app:hunter2@db/app"),
    ("ANYTHING", "AKIAABCDEFGHIJKLMNOP"),
    ("ANYTHING", "-----BEGIN RSA PRIVATE KEY-----"),
]


@pytest.mark.parametrize(("name", "value"), SECRETS)
def test_a_secret_in_plain_sight(name: str, value: str) -> None:
    why = holds_secret(name, value)

    assert why
    assert value not in why


NO_SECRETS = [
    ("SMTP_PASSWORD", ""),
    ("SMTP_PASSWORD", "${SMTP_PASSWORD}"),
    ("SMTP_PASSWORD", "$(SMTP_PASSWORD)"),
    ("SMTP_PASSWORD", "<your password>"),
    ("SMTP_PASSWORD_FILE", "/etc/smtp/password"),
    ("password", "/etc/smtp/password"),
    ("PASSWORD_MIN_LENGTH", "12"),
    ("MAX_TOKENS", "512"),
    ("MAX_TOKEN", "512"),
    ("PAD_TOKEN", "[PAD]"),
    ("TOKEN_URL", "https://login.example.com/token"),
    ("REFRESH_TOKEN", "3600"),
    ("REQUIRE_PASSWORD", "always"),
    ("EXISTING_SECRET", "database"),
    ("CLIENT_SECRET", "web-client-secret"),
    ("TLS_SECRET", "abcdefgh"),
    ("AWS_ACCESS_KEY_ID", "abcdefgh"),
    ("PUBLIC_KEY", "abcdefgh"),
    ("OPENAI_API_KEY", "ollama"),
    ("OPENAI_API_KEY", "sk-no-key-required"),
    ("GITHUB_TOKEN", "vault:secret/github#token"),
    ("password", "Password"),
    ("DATABASE_URL", "postgres://app@db/app"),
    ("DATABASE_URL", "postgres://app:$(DB_PASSWORD)@db/app"),
    ("BYPASS", "internal"),
    ("LEVEL", "info"),
]


@pytest.mark.parametrize(("name", "value"), NO_SECRETS)
def test_what_only_sounds_like_a_secret(name: str, value: str) -> None:
    assert holds_secret(name, value) == ""
