"""Docker's daemon.json as text: everything that is there stays (no daemon runs here)."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError
from ansible_collections.harvis.platform.plugins.module_utils.runtime.docker_text import (
    effective,
    with_handler,
    without_handler,
)
from ansible_collections.harvis.platform.plugins.module_utils.runtime.handler import Effective, Handler

FOREIGN = """{
    "log-driver": "json-file",
    "log-opts": {
        "max-size": "10m"
    },
    "registry-mirrors": [
        "https://mirror.example"
    ],
    "label": "Zürich"
}
"""
ADDED = """    "label": "Zürich",
    "runtimes": {
        "nvidia": {
            "args": [],
            "path": "/usr/bin/nvidia-container-runtime"
        }
    }
}
"""
TEXTS = {
    "four spaces": FOREIGN,
    "tabs": FOREIGN.replace("    ", "\t"),
    "no line end": FOREIGN.rstrip("\n"),
    "another runtime": '{\n  "runtimes": {\n    "crun": {\n      "path": "crun"\n    }\n  }\n}\n',
    "a default of its own": '{\n  "default-runtime": "crun"\n}\n',
}


def test_the_handler_is_added_and_the_rest_stays() -> None:
    assert with_handler(FOREIGN, Handler(), "daemon.json") == FOREIGN.replace('    "label": "Zürich"\n}\n', ADDED)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_adding_and_removing_gives_the_text_back(text: str) -> None:
    added = with_handler(text, Handler(default=True), "daemon.json")

    assert '"default-runtime": "nvidia"' in added
    former = "crun" if "default-runtime" in text else ""
    assert without_handler(added, "nvidia", "daemon.json", former_default=former) == text


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_second_edit_changes_nothing(text: str) -> None:
    once = with_handler(text, Handler(default=True, cdi=True), "daemon.json")

    assert with_handler(once, Handler(default=True, cdi=True), "daemon.json") == once


def test_a_file_that_is_not_there_is_made() -> None:
    expected = (
        '{\n  "runtimes": {\n    "nvidia": {\n      "args": [],\n      "path": "/usr/bin/nvidia-container-runtime"\n'
    )

    assert with_handler("", Handler(), "daemon.json") == expected + "    }\n  }\n}\n"


def test_an_operator_s_arguments_stay() -> None:
    text = '{"runtimes": {"nvidia": {"path": "/usr/bin/nvidia-container-runtime", "args": ["--debug"]}}}'

    assert with_handler(text, Handler(), "daemon.json") == text


REFUSED = {
    "not JSON": ("{,}", "is not JSON"),
    "a key twice": ('{"debug": true, "debug": false}', "the same key twice: debug"),
    "a list": ("[]", "another type"),
    "runtimes are a list": ('{"runtimes": ["nvidia"]}', "another type"),
    "comments": ('{"debug": true} // yes', "is not JSON"),
}


@pytest.mark.fault(code="RUN-CONFIG", by="recorded tree")
@pytest.mark.parametrize(("text", "cause"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_edited_is_said(text: str, cause: str) -> None:
    with pytest.raises(HarvisError, match=cause) as caught:
        with_handler(text, Handler(), "/etc/docker/daemon.json")

    assert [(f.code, f.subject) for f in caught.value.findings] == [("RUN-CONFIG", "/etc/docker/daemon.json")]


def test_handlers_in_the_daemon_s_answer() -> None:
    """As Docker 20.10 answers ``GET /info``."""
    info = {"Runtimes": {"runc": {"path": "runc"}, "nvidia": {"path": "/n"}}, "DefaultRuntime": "runc"}

    assert effective(info) == Effective({"runc": "runc", "nvidia": "/n"}, "runc")
