"""What a program's own words mean: lines of logs and answers of probes that name a cause."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding

WIDEST = 300
_Found = t.Mapping[str, str]


@dataclass(frozen=True)
class Meaning:
    """A cause that a program names, with the line in which it does."""

    code: str
    cause: str
    line: str
    fix: str

    def of(self, subject: str) -> Finding:
        return Finding(self.code, subject, self.cause, self.line, self.fix)


@dataclass(frozen=True)
class _Rule:
    """Lines that ``pattern`` finds; ``cause`` is filled with its groups."""

    code: str
    pattern: re.Pattern[str]
    cause: str
    fix: str
    unless: re.Pattern[str] | None = None

    def read(self, line: str) -> Meaning | None:
        found = self.pattern.search(line)
        if not found or (self.unless and self.unless.search(line)):
            return None
        groups = {name: text.strip() for name, text in found.groupdict(default="").items()}
        return Meaning(self.code, self.cause.format(**groups), _short(line), self.fix)


def _rule(code: str, pattern: str, cause: str, fix: str, unless: str = "") -> _Rule:
    return _Rule(code, re.compile(pattern), cause, fix, re.compile(unless) if unless else None)


_BUILD = "`make up` builds the image from today's sources; where it is from them, add what is missing to them."
_TOPICS = "`make up` makes the topics that the inventory describes; correct the name where it is none of them."
_STORE = "Compare address, key and collection of the vector store with what the program is told."
_MODEL = "Pull the model on its server (`ollama pull`), or name one that `ollama list` shows."
_NAME = "Correct the name: `<service>` in the same namespace, `<service>.<namespace>` elsewhere."
_DNS = (
    "Look at CoreDNS (`kubectl -n kube-system get pods,endpointslices -l k8s-app=kube-dns`) and at what lies between."
)
_STORE_AWAY = "Look at the vector store's pod and its Service; the program goes on by itself when it is back."
_HTML = "Correct the base URL: it leads to a web page where an API is meant."

_HOST = r"(?P<host>[A-Za-z0-9][\w.-]*?\.?)"
_RULES: tuple[_Rule, ...] = (
    _rule("ROL-IMPORT", r"ModuleNotFoundError: No module named '(?P<name>[^']+)'", "there is no module {name}", _BUILD),
    _rule(
        "ROL-IMPORT",
        r"ImportError: cannot import name '(?P<name>[^']+)' from (?:partially initialized module )?'(?P<module>[^']+)'"
        r"(?: \((?P<file>[^)]*)\))?",
        "{module} has no {name}",
        _BUILD,
    ),
    _rule(
        "ROL-IMPORT", r"ImportError: (?P<name>\S+\.so[\w.]*): cannot open", "the library {name} is not there", _BUILD
    ),
    _rule(
        "KFK-TOPIC",
        r"topics that do not exist: (?P<names>[\w.-]+(?:, [\w.-]+)*)",
        "topics are missing: {names}",
        _TOPICS,
    ),
    _rule(
        "KFK-TOPIC",
        r"(?:[Ss]ubscribed topic not available|[Tt]opic)[: ]+['\"]?(?P<name>[\w.-]+)['\"]?:? "
        r".*?(?:UNKNOWN_TOPIC_OR_PART|Unknown topic or partition)",
        "the topic {name} does not exist",
        _TOPICS,
    ),
    _rule(
        "KFK-TOPIC",
        r"UNKNOWN_TOPIC_OR_PART|Unknown topic or partition|UnknownTopicOrPartition",
        "a topic does not exist",
        _TOPICS,
    ),
    _rule("NET-DNS", rf"lookup {_HOST} on \S+: no such host", "there is no name {host}", _NAME),
    _rule("NET-DNS", rf"getaddrinfo ENOTFOUND {_HOST}(?:[^\w.-]|$)", "there is no name {host}", _NAME),
    _rule(
        "NET-DNS",
        rf"(?:Failed to resolve|resolve host|resolve address)[ :]+['\"]?{_HOST}(?::\d+)?['\"]?(?=[:\s)]).*?"
        r"(?:Name or service not known|nodename nor servname|No address associated)",
        "there is no name {host}",
        _NAME,
    ),
    _rule("NET-DNS", rf"lookup {_HOST} on (?P<server>\S+): ", "the name server {server} does not answer", _DNS),
    _rule(
        "NET-DNS",
        rf"(?:Failed to resolve|resolve host)[ :]+['\"]?{_HOST}(?::\d+)?['\"]?(?=[:\s)]).*?Temporary failure",
        "no name server answers for {host}",
        _DNS,
    ),
    _rule("NET-DNS", r"Temporary failure in name resolution|EAI_AGAIN", "no name server answers", _DNS),
    _rule("NET-DNS", r"Name or service not known", "a name that it uses does not exist", _NAME),
    _rule(
        "VEC-REFUSED",
        r"[Vv]ector dimension error: expected dim: (?P<there>\d+), got (?P<given>\d+)",
        "the vector store's collection has vectors of {there} numbers, the program's have {given}",
        "Name a new collection, or give the embedding model with which this one was made.",
    ),
    _rule(
        "VEC-REFUSED",
        r"(?i)(?:qdrant|:6333|collection).*?\b(?P<status>401|403)\b|Unexpected Response: (?P<given>401|403) \(",
        "the vector store does not accept the program's key ({status}{given})",
        _STORE,
    ),
    _rule(
        "VEC-REFUSED",
        r"[Cc]ollection [`'\"](?P<name>[^`'\"]+)[`'\"] (?:doesn't exist|not found|does not exist)",
        "the vector store has no collection {name}",
        _STORE,
    ),
    _rule(
        "VEC-REFUSED",
        r"(?i)(?:qdrant|:6333|vector store).*?(?:connection refused|does not answer|timed out|connecterror)",
        "the vector store does not answer",
        _STORE_AWAY,
    ),
    _rule(
        "MDL-MISSING",
        r"model [\\'\"`]*(?P<name>[\w./:-]+?)[\\'\"`]* (?:was )?not found",
        "the model {name} is not on its server",
        _MODEL,
    ),
    _rule(
        "PRB-CONTENT",
        r"(?P<url>https?://\S+) answered 200 with text/html",
        "{url} answers a web page with status 200 where an API is meant",
        _HTML,
    ),
    _rule(
        "PRB-CONTENT",
        r"Unexpected token '?<'?|invalid character '<' looking for beginning of value|<!(?:DOCTYPE|doctype) html",
        "an endpoint that should answer JSON answers a web page",
        _HTML,
    ),
)


def meaning(text: str) -> Meaning | None:
    """The first rule that finds something in the latest line that has it; ``None`` where nothing is understood."""
    lines = [line for line in text.splitlines() if line.strip()]
    for rule in _RULES:
        for line in reversed(lines):
            found = rule.read(line)
            if found:
                return found
    return None


def repeated(text: str, times: int = 2) -> Meaning | None:
    """What is said again and again: a single line may tell of something that is over."""
    found = meaning(text)
    if not found:
        return None
    same = [line for line in text.splitlines() if (other := meaning(line)) and other.cause == found.cause]
    return found if len(same) >= times else None


def _short(line: str) -> str:
    return line.strip()[:WIDEST]
