"""Which shell scripts cannot fail."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.shell import (
    cannot_fail,
    last_command,
    script_of,
)

CERTAIN = [
    "curl x || true",
    "curl x; exit 0",
    "curl x\nexit 0\n",
    "a && b; true",
    "a || :",
    "curl x | cat",
    "a || b || true",
    "a && b || echo bad",
    "true",
    "curl x &",
    "curl -s x 2>&1 || true",
    "a # why\nexit 0",
    "a >/dev/null 2>&1; echo ok",
    "test -f x && exit 0; exit 0",
]
UNCERTAIN = [
    "",
    "curl x",
    "a && true",
    "a || exit 1; exit 0",
    "set -e\na\ntrue",
    "if a; then exit 1; fi; exit 0",
    "a; exit $?",
    "a || b && c",
    "a || true && b",
    "test -f y && cat z | cat",
    "until a; do sleep 1; done; true",
    "(a; b) || true",
    "[ $(a) = 1 ] || exit 1",
    "a | grep b",
    "exit 1",
    "a && exit 0 || exit 1",
    "echo x > /f",
    "a & b",
    "echo ${X:?}",
    "cat /x",
    "echo 'it does not end",
    "cat <<END\ntrue\nEND",
    'curl x; echo "|| true" | grep y',
]


@pytest.mark.parametrize("script", CERTAIN)
def test_these_cannot_fail(script: str) -> None:
    assert cannot_fail(script)


@pytest.mark.parametrize("script", UNCERTAIN)
def test_of_these_nobody_knows(script: str) -> None:
    assert not cannot_fail(script)


SCRIPTS = [
    (["sh", "-c", "a b"], ("a b", [])),
    (["/bin/bash", "-lc", "ollama", "pull", "x"], ("ollama", ["pull", "x"])),
    (["busybox", "sh", "-c", "a"], ("a", [])),
    (["bash", "--norc", "-c", "--", "a"], ("a", [])),
    (["sh", "-ec", "a; true"], None),
    (["bash", "-o", "pipefail", "-c", "a"], None),
    (["sh", "/probe.sh"], None),
    (["sh", "-c"], None),
    (["curl", "-c", "x"], None),
    ([], None),
]


@pytest.mark.parametrize(("command", "wanted"), SCRIPTS)
def test_the_script_of_a_command(command: list[str], wanted: tuple[str, list[str]] | None) -> None:
    assert script_of(command) == wanted


def test_the_command_whose_status_is_the_scripts() -> None:
    assert last_command("a; b | curl -s x") == ["curl", "-s", "x"]
    assert last_command("a; curl x &") == []
    assert last_command("for x in y; do curl x; done") == []
