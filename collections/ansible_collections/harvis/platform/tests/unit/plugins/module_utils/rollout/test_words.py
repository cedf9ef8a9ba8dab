"""Programs' own words, as the libraries and servers really write them, and the cause that they name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.rollout.words import meaning, repeated

RESOLVE = "kafka.vhm:9092/bootstrap: Failed to resolve 'kafka.vhm:9092': Name or service not known (after 1ms in state)"
SUBSCRIBED = "Subscribed topic not available: vhm.interactions: Broker: Unknown topic or partition"
# what the program wrote, code, cause
SAID = [
    (f'KafkaError{{code=UNKNOWN_TOPIC_OR_PART,val=3,str="{SUBSCRIBED}"}}', "KFK-TOPIC", "vhm.interactions"),
    (f'{{"code": "UNKNOWN_TOPIC_OR_PART", "detail": "{SUBSCRIBED}"}}', "KFK-TOPIC", "vhm.interactions"),
    ('{"cause": "broker: topics that do not exist: vhm.a, vhm.b", "event": "waiting"}', "KFK-TOPIC", "vhm.a, vhm.b"),
    ("KafkaError: UNKNOWN_TOPIC_OR_PARTITION", "KFK-TOPIC", "a topic does not exist"),
    (RESOLVE, "NET-DNS", "there is no name kafka.vhm"),
    (
        "NameResolutionError(\"HTTPConnection(host='qdrant.vhm', port=6333): Failed to resolve 'qdrant.vhm' "
        '([Errno -2] Name or service not known)")',
        "NET-DNS",
        "there is no name qdrant.vhm",
    ),
    (
        "dial tcp: lookup harvis-ollama.ai-agents on 10.96.0.10:53: no such host",
        "NET-DNS",
        "there is no name harvis-ollama.ai-agents",
    ),
    (
        "dial tcp: lookup registry on 10.96.0.10:53: read udp 10.244.0.7:4000->10.96.0.10:53: i/o timeout",
        "NET-DNS",
        "the name server 10.96.0.10:53 does not answer",
    ),
    ("Error: getaddrinfo ENOTFOUND qdrant.vhm", "NET-DNS", "there is no name qdrant.vhm"),
    ("Error: getaddrinfo EAI_AGAIN qdrant.vhm", "NET-DNS", "no name server answers"),
    (
        "kafka:9092/bootstrap: Failed to resolve 'kafka:9092': Temporary failure in name resolution (after 2ms)",
        "NET-DNS",
        "no name server answers for kafka",
    ),
    ("httpx.ConnectError: [Errno -3] Temporary failure in name resolution", "NET-DNS", "no name server answers"),
    (
        "Wrong input: Vector dimension error: expected dim: 384, got 768",
        "VEC-REFUSED",
        "has vectors of 384 numbers, the program's have 768",
    ),
    ("Unexpected Response: 401 (Unauthorized)", "VEC-REFUSED", "does not accept the program's key (401)"),
    ("Not found: Collection `memories` doesn't exist!", "VEC-REFUSED", "no collection memories"),
    (
        "http://qdrant:6333/collections: ConnectError: [Errno 111] Connection refused",
        "VEC-REFUSED",
        "the vector store does not answer",
    ),
    ('{"error":"model \'llama3\' not found"}', "MDL-MISSING", "the model llama3 is not on its server"),
    ('model "llama3:8b" not found, try pulling it first', "MDL-MISSING", "the model llama3:8b"),
    (
        "http://webui:8080/api/tags answered 200 with text/html; charset=utf-8, not JSON",
        "PRB-CONTENT",
        "http://webui:8080/api/tags answers a web page with status 200",
    ),
    ("SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", "PRB-CONTENT", "a web page"),
    ("invalid character '<' looking for beginning of value", "PRB-CONTENT", "a web page"),
    ("ImportError: libcudnn.so.9: cannot open shared object file", "ROL-IMPORT", "library libcudnn.so.9"),
]


@pytest.mark.fault("F71", code="NET-DNS", when="after deploy", by="recorded cluster")
@pytest.mark.fault("F72", code="PRB-CONTENT", when="after deploy", by="recorded cluster")
@pytest.mark.fault("F84", code="VEC-REFUSED", when="after deploy", by="recorded cluster")
@pytest.mark.fault("F90", code="MDL-MISSING", when="after deploy", by="recorded cluster")
@pytest.mark.parametrize(("line", "code", "cause"), SAID, ids=[line[:50] for line, *_ in SAID])
def test_a_line_names_its_cause(line: str, code: str, cause: str) -> None:
    found = meaning(f"starting\n{line}\n")

    assert found is not None
    assert (found.code, found.line) == (code, line)
    assert cause in found.cause
    assert found.fix


@pytest.mark.parametrize(
    "line",
    [
        "INFO serving",
        "topic vhm.interactions has 3 partitions",
        "404 page not found",
        "GET /collections/memories 200",
        "model llama3 loaded",
        "resolved kafka to 10.96.3.4",
    ],
)
def test_ordinary_lines_name_nothing(line: str) -> None:
    assert meaning(line) is None


@pytest.mark.fault("F22", code="ROL-IMPORT", when="after deploy")
@pytest.mark.parametrize(
    ("program", "cause"),
    [
        ("import vhm_common_utils.brokers", "there is no module vhm_common_utils"),
        ("from json import nothing", "json has no nothing"),
        ("import half", "half has no name"),
    ],
)
def test_what_python_itself_says_of_an_import_is_read(tmp_path: Path, program: str, cause: str) -> None:
    (tmp_path / "half.py").write_text("import other\nname = 1\n")
    (tmp_path / "other.py").write_text("from half import name\n")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, env={}
    )

    found = meaning(done.stderr)

    assert found is not None
    assert (found.code, found.cause) == ("ROL-IMPORT", cause)


def test_the_latest_line_counts() -> None:
    text = "topics that do not exist: vhm.a, vhm.b\ntopics that do not exist: vhm.b\nwaiting"

    assert getattr(meaning(text), "cause", "") == "topics are missing: vhm.b"


def test_once_is_not_again_and_again() -> None:
    assert repeated(f"{RESOLVE}\nINFO serving") is None
    assert repeated(f"{RESOLVE}\nINFO serving\n{RESOLVE}") is not None
