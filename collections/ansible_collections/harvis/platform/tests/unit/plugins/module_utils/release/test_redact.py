from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.release.redact import (
    AFTER,
    BEFORE,
    SAME,
    looks_secret,
    redact_pair,
)

SECRET = "hunter2-hunter2"


def secret(**data: str) -> dict[str, t.Any]:
    return {"kind": "Secret", "metadata": {"name": "keys"}, "data": data}


def deployment(*env: dict[str, str], args: t.Sequence[str] = ()) -> dict[str, t.Any]:
    container = {"name": "web", "env": list(env), "args": list(args)}
    return {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}


def env_of(body: t.Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = body["spec"]["template"]["spec"]["containers"][0]["env"]
    return found


def test_an_equal_secret_stays_equal() -> None:
    before, after = redact_pair(secret(a=SECRET), secret(a=SECRET))
    assert before == after == secret(a=SAME)


def test_a_changed_secret_shows_that_it_changed_and_how_neither() -> None:
    before, after = redact_pair(secret(a="old", b=SECRET), secret(a="new", b=SECRET))
    assert (before, after) == (secret(a=BEFORE, b=SAME), secret(a=AFTER, b=SAME))


def test_an_added_and_a_removed_key_can_be_seen() -> None:
    before, after = redact_pair(secret(gone=SECRET), secret(new=SECRET))
    assert (before, after) == (secret(gone=BEFORE), secret(new=AFTER))


@pytest.mark.parametrize("pair", [(None, secret(a=SECRET)), (secret(a=SECRET), None)], ids=["created", "removed"])
def test_a_secret_that_comes_or_goes_is_blanked(pair: t.Any) -> None:
    assert SECRET not in json.dumps(redact_pair(*pair))


def test_the_originals_are_left_as_they_are() -> None:
    original = secret(a=SECRET)
    redact_pair(original, None)
    assert original == secret(a=SECRET)


def test_a_secret_variable_is_blanked_whatever_its_place() -> None:
    before = deployment({"name": "API_KEY", "value": "old"}, {"name": "MODEL", "value": "a"})
    after = deployment({"name": "MODEL", "value": "b"}, {"name": "API_KEY", "value": "new"})
    left, right = redact_pair(before, after)
    assert env_of(left) == [{"name": "API_KEY", "value": BEFORE}, {"name": "MODEL", "value": "a"}]
    assert env_of(right) == [{"name": "MODEL", "value": "b"}, {"name": "API_KEY", "value": AFTER}]


def test_a_secret_variable_added_beside_others_is_blanked() -> None:
    left, right = redact_pair(deployment(), deployment({"name": "DB_PASSWORD", "value": SECRET}))
    assert env_of(left) == []
    assert env_of(right) == [{"name": "DB_PASSWORD", "value": AFTER}]


TEXTS: list[tuple[str, str]] = [
    ("--api-key=hunter2-hunter2", f"--api-key={SAME}"),
    ("serve --password hunter2-hunter2 --port 80", f"serve --password {SAME} --port 80"),
    ("postgres://user:hunter2-hunter2@db:5432/x", f"postgres://user:{SAME}@db:5432/x"),
    ("http://ollama:11434/api", "http://ollama:11434/api"),
    ("--token-file=/run/token", "--token-file=<redacted>"),
]


@pytest.mark.parametrize(("text", "shown"), TEXTS)
def test_passwords_inside_arguments_are_blanked(text: str, shown: str) -> None:
    left, _ = redact_pair(deployment(args=[text]), deployment(args=[text]))
    assert left is not None
    assert left["spec"]["template"]["spec"]["containers"][0]["args"] == [shown]


def test_a_changed_password_in_a_url_still_counts_as_changed() -> None:
    left, right = redact_pair(deployment(args=["a://u:one@h"]), deployment(args=["a://u:two@h"]))
    assert left != right
    assert "one" not in json.dumps(left)
    assert "two" not in json.dumps(right)


def test_a_reference_to_a_secret_is_readable() -> None:
    reference = {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api"}}}
    left, _ = redact_pair(deployment(reference), None)  # type: ignore[arg-type]
    assert env_of(left) == [reference]


NAMES: list[tuple[str, bool]] = [
    ("API_KEY", True),
    ("OPENAI_API_KEY", True),
    ("apiKey", True),
    ("DB_PASSWORD", True),
    ("passwd", True),
    ("GITHUB_TOKEN", True),
    ("AWS_SECRET_ACCESS_KEY", True),
    ("basic-auth", True),
    ("secretName", False),
    ("TOKEN_URL", False),
    ("MAX_TOKENS", False),
    ("PASSWORD_FILE", False),
    ("KAFKA_BOOTSTRAP", False),
    ("AUTHOR", False),
    ("key", False),
]


@pytest.mark.parametrize(("name", "is_secret"), NAMES)
def test_names_that_hold_a_secret(name: str, is_secret: bool) -> None:
    assert looks_secret(name) is is_secret


def test_a_switch_is_no_secret() -> None:
    body = {"kind": "ServiceAccount", "automountServiceAccountToken": False}
    assert redact_pair(body, body)[0] == body
