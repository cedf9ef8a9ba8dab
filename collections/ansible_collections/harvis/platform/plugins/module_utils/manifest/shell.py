"""Whether a shell command can end with another status than 0, as far as its text tells for certain."""

from __future__ import annotations

import re
import shlex
import typing as t
from dataclasses import dataclass
from pathlib import PurePosixPath

SHELLS = frozenset({"sh", "bash", "ash", "dash", "ksh", "zsh"})
# Commands whose status is 0 whatever the rest of the world does.
_HARMLESS = frozenset({"true", ":", "echo", "printf"})
# Words that can end a script early, keep it from ending, or group commands: where one stands, nothing is certain.
_DECIDING_WORDS = """
exit return kill exec eval source . trap set shopt false until while for if case select function do done fi esac
then else elif { } ! break continue wait sleep
"""
_DECIDING = frozenset(_DECIDING_WORDS.split())
_DUPLICATED = re.compile(r"\d*[<>]&[-\d]+|&>>?|>\|")  # 2>&1, <&-, &>file: no end of a command
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*")
_PUNCTUATION = frozenset(";&|()\n")

Words = list[str]


@dataclass(frozen=True)
class _Step:
    """A pipe's last command, whose status is the pipe's, and what stands behind it: ``;``, ``&``, ``&&`` or ``||``."""

    words: Words
    after: str


def program(word: str) -> str:
    return PurePosixPath(word).name


def script_of(command: t.Sequence[str]) -> tuple[str, Words] | None:
    """The script of ``sh -c SCRIPT WORDS…`` and the words after it; None where no shell gets a script.

    None as well for ``sh -e``, where the first failure is the script's.
    """
    words = list(command)[1:] if command and program(command[0]) == "busybox" else list(command)
    if not words or program(words[0]) not in SHELLS:
        return None
    for index, word in enumerate(words[1:], start=1):
        if word.startswith("--"):
            continue
        if not word.startswith("-") or "e" in word or "o" in word:
            return None
        if "c" in word:
            rest = words[index + 1 :]
            rest = rest[1:] if rest[:1] == ["--"] else rest
            return (rest[0], rest[1:]) if rest else None
    return None


def harmless(command: Words) -> bool:
    """Whether one command, run without a shell, ends with 0 for certain."""
    return bool(command) and program(command[0]) in _HARMLESS


def cannot_fail(script: str) -> bool:
    """True when the status is 0 for certain, a kill by a time limit left aside."""
    certain, before = False, ";"
    for step in _steps(script):
        own = step.words == ["exit", "0"] or step.words == ["cat"] or _succeeds(step.words)
        # Left to right, as the shell does: `a || b` is certain if either is, `a && b` if both are.
        together = certain or own if before == "||" else own and (certain or before != "&&")
        certain = together or step.after == "&"
        before = step.after
    return certain


def last_command(script: str) -> Words:
    """The words of the command whose status is the script's; empty where that is not certain."""
    steps = _steps(script)
    return steps[-1].words if steps and steps[-1].after != "&" else []


def _succeeds(words: Words) -> bool:
    """``${NAME:?}`` ends a script whose variable is missing, and a redirection can fail."""
    return harmless(words) and not any(":?" in word or "<" in word or ">" in word for word in words)


def _steps(script: str) -> list[_Step]:
    """The script as a list of plain commands; empty for one that is more than that."""
    text = _DUPLICATED.sub(" ", _COMMENT.sub("", script.replace("\\\n", " ")))
    lexer = shlex.shlex(text, posix=True, punctuation_chars="".join(sorted(_PUNCTUATION)))
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        tokens = list(lexer)
    except ValueError:  # a quotation that does not end
        return []
    steps: list[_Step] = []
    words: Words = []
    for token in [*tokens, ";"]:
        if not set(token) <= _PUNCTUATION:
            words.append(token)
            continue
        connector = _connector(token)
        if not connector or not _plain(words):
            return []
        if words and connector != "|":
            steps.append(_Step(words, connector))
        words = []
    return steps


def _plain(words: Words) -> bool:
    if words == ["exit", "0"]:
        return True
    return not any(word in _DECIDING or word.startswith(("<<", "$(")) or "`" in word for word in words)


def _connector(token: str) -> str:
    """``;``, ``&``, ``|``, ``&&`` or ``||``; empty for parentheses and what is no end of a command."""
    plain = token.strip("\n")
    if not plain or plain == ";":
        return ";"
    return plain if plain in ("&&", "||", "|", "&") else ""
