"""What a program reads from its environment, in the ways in which people write it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.contract.python_reads import Reads

ReadsOf = t.Callable[..., Reads]

# How it is written, and for each setting: its names, and whether the program stops without it.
WAYS: dict[str, tuple[str, dict[tuple[str, ...], bool]]] = {
    "subscript": ("import os\nA = os.environ['A']", {("A",): True}),
    "get": ("import os\nA = os.environ.get('A')", {("A",): False}),
    "getenv": ("import os\nA = os.getenv('A', 'x')", {("A",): False}),
    "alias of the module": ("import os as system\nA = system.environ['A']", {("A",): True}),
    "imported names": (
        "from os import environ, getenv as read\nA = environ['A']\nB = read('B')",
        {("A",): True, ("B",): False},
    ),
    "a method kept": ("import os\nread = os.environ.get\nA = read('A')", {("A",): False}),
    "a name put together": ("import os\nPREFIX = 'APP'\nA = os.environ[f'{PREFIX}_URL']", {("APP_URL",): True}),
    "a constant for the name": ("import os\nNAME = 'A'\nA = os.environ[NAME]", {("A",): True}),
    "a helper": (
        "import os\ndef read(name, default=None):\n    return os.environ.get(name, default)\n"
        "A = read('A')\nB = read(name='B')",
        {("A",): False, ("B",): False},
    ),
    "a helper that insists": (
        """
        import os
        def need(name):
            value = os.getenv(name)
            if not value:
                raise RuntimeError(f"{name} is not set")
            return value
        A = need("A")
        """,
        {("A",): True},
    ),
    "names tried in turn": (
        """
        import os
        def first(*names, default=""):
            for name in names:
                text = os.environ.get(name, "").strip()
                if text:
                    return text
            return default
        A = first("A", "OLD_A", default="x")
        """,
        {("A", "OLD_A"): False},
    ),
    "one name or the other": ("import os\nA = os.getenv('A') or os.getenv('B') or 'x'", {("A", "B"): False}),
    "a default from another variable": ("import os\nA = os.getenv('A', os.getenv('B', 'x'))", {("A", "B"): False}),
    "a table": (
        "import os\nDEFAULTS = {'A': '1', 'B': '2'}\nVALUES = {k: os.environ.get(k, d) for k, d in DEFAULTS.items()}",
        {("A",): False, ("B",): False},
    ),
    "a loop over what is needed": (
        "import os\nfor name in ('A', 'B'):\n    os.environ[name]",
        {("A",): True, ("B",): True},
    ),
    "a list of what is missing": (
        """
        import os, sys
        missing = [name for name in ["A", "B"] if not os.getenv(name)]
        if missing:
            sys.exit(1)
        """,
        {("A",): True, ("B",): True},
    ),
    "a list of what is not in it": (
        """
        import os
        missing = [name for name in ("A", "B") if name not in os.environ]
        if missing:
            raise SystemExit(f"missing: {missing}")
        """,
        {("A",): True, ("B",): True},
    ),
    "guarded by in": ("import os\nA = os.environ['A'] if 'A' in os.environ else ''", {("A",): False}),
    "guarded by an early end": (
        "import os\nif 'A' not in os.environ:\n    raise SystemExit('A')\nA = os.environ['A']",
        {("A",): True},
    ),
    "guarded by try": ("import os\ntry:\n    A = os.environ['A']\nexcept KeyError:\n    A = ''", {("A",): False}),
    "a try that ends": (
        "import os, sys\ntry:\n    A = os.environ['A']\nexcept KeyError:\n    sys.exit('A is missing')",
        {("A",): True},
    ),
    "suppressed": (
        "import os, contextlib\nA = ''\nwith contextlib.suppress(KeyError):\n    A = os.environ['A']",
        {("A",): False},
    ),
    "walrus": ("import os\nif value := os.getenv('A'):\n    print(value)", {("A",): False}),
    "assert": ("import os\nA = os.getenv('A')\nassert A, 'A is needed'", {("A",): True}),
    "a conversion of nothing": ("import os\nA = int(os.environ.get('A'))", {("A",): True}),
    "a conversion with a fallback": ("import os\nA = int(os.environ.get('A') or 5)", {("A",): False}),
    "the environment as a parameter": (
        """
        import os
        def load(environ):
            return {"a": environ["A"], "b": environ.get("B")}
        CONFIG = load(os.environ)
        """,
        {("A",): True, ("B",): False},
    ),
    "the environment as a default": (
        "import os\ndef load(env=os.environ):\n    return env['A']",
        {("A",): True},
    ),
    "a copy of the environment": ("import os\nenv = dict(os.environ)\nA = env['A']", {("A",): True}),
    "records that know their names": (
        """
        import os
        from dataclasses import dataclass
        @dataclass(frozen=True)
        class Variable:
            name: str
            aliases: tuple = ()
            def read(self, environ):
                for name in (self.name, *self.aliases):
                    if environ.get(name):
                        return environ[name]
                return None
        TABLE = (Variable("A", ("OLD_A",)), Variable("B"))
        VALUES = [v.read(os.environ) for v in TABLE]
        """,
        {("A", "OLD_A"): False, ("B",): False},
    ),
    "inside a class": (
        "import os\nclass Config:\n    url = os.environ['A']\n    def __init__(self):\n        self.b = os.getenv('B')",
        {("A",): True, ("B",): False},
    ),
    "a method of an object": (
        """
        import os
        class Reader:
            def __init__(self, prefix):
                self.prefix = prefix
            def get(self, name):
                return os.environ[self.prefix + name]
        A = Reader("APP_").get("URL")
        """,
        {("APP_URL",): True},
    ),
    "partial": (
        "import os, functools\nread = functools.partial(os.environ.get, 'A')\nA = read('x')",
        {("A",): False},
    ),
    "decouple": (
        "from decouple import config\nA = config('A')\nB = config('B', default=1, cast=int)",
        {("A",): True, ("B",): False},
    ),
    "environs": (
        "from environs import Env\nenv = Env()\nA = env.str('A')\nB = env.int('B', 3)",
        {("A",): True, ("B",): False},
    ),
    "a command line's option": (
        "import click\n@click.command()\n@click.option('--a', envvar='A')\ndef main(a):\n    print(a)",
        {("A",): False},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WAYS.values(), ids=WAYS.keys())
def test_a_way_of_reading(reads_of: ReadsOf, text: str, expected: dict[tuple[str, ...], bool]) -> None:
    found = reads_of(text).reads
    needed: dict[tuple[str, ...], bool] = {}
    for r in found:
        stops = r.required or (r.default is None and bool(r.rejection(None)))
        needed[r.names] = needed.get(r.names, False) or stops

    assert needed == expected


# What is done with the text of A, texts that the program takes, and texts that it rejects.
TRANSFORMS: dict[str, tuple[str, list[str], list[str]]] = {
    "int": ("A = int(os.getenv('A', '1'))", ["5", " 7 "], ["five", "1.5", ""]),
    "float": ("A = float(os.environ['A'])", ["5", "1.5"], ["five"]),
    "int after strip": ("A = int(os.environ['A'].strip())", ["5"], ["x"]),
    "a comparison": ("A = os.getenv('A', '').lower() == 'true'", ["true", "nonsense"], []),
    "a caught error": ("try:\n    A = int(os.getenv('A', '1'))\nexcept ValueError:\n    A = 1", ["x"], []),
    "a look-up": ("LEVELS = {'low': 1, 'high': 2}\nA = LEVELS[os.getenv('A', 'low')]", ["high"], ["middle"]),
    "a condition that ends": (
        "A = os.getenv('A', 'x')\nif A not in ('x', 'y'):\n    raise SystemExit('A is x or y')", ["x", "y"], ["z"]),
    "an enumeration": (
        "import enum\nclass Mode(enum.Enum):\n    FAST = 'fast'\n    SLOW = 'slow'\nA = Mode(os.getenv('A', 'fast'))",
        ["slow"], ["idle"]),
    "a helper with words for true": (
        "def boolean(text):\n    word = text.lower()\n    if word in {'1', 'true'}:\n        return True\n"
        "    if word in {'0', 'false'}:\n        return False\n    raise ValueError('neither true nor false')\n"
        "A = boolean(os.environ['A'])", ["TRUE", "0"], ["maybe"]),
    "an address": (
        "from urllib.parse import urlsplit\ndef url(text):\n    if urlsplit(text).scheme not in ('http', 'https'):\n"
        "        raise ValueError('no address')\n    return text\nA = url(os.environ['A'])", ["http://x"], ["x:1"]),
    "a transform as a parameter": (
        "def read(name, transform, default):\n    text = os.environ.get(name, '')\n"
        "    return transform(text) if text else default\nA = read('A', int, 3)", ["4", ""], ["x"]),
    "json": ("import json\nA = json.loads(os.environ['A'])", ["[1]"], ["a,b"]),
    "a range": (
        "def positive(text):\n    number = int(text)\n    if number < 1:\n        raise ValueError('too small')\n"
        "    return number\n"
        "A = positive(os.environ['A'])", ["1"], ["0", "x"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "taken", "rejected"), TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_what_the_program_makes_of_a_text(reads_of: ReadsOf, text: str, taken: list[str], rejected: list[str]) -> None:
    (read,) = reads_of(f"import os\n{text}\n").reads

    assert [value for value in taken if read.rejection(value)] == []
    assert [value for value in rejected if not read.rejection(value)] == []


PYDANTIC = """
from enum import Enum
from typing import Literal, Optional
from pydantic import AliasChoices, BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

class Mode(str, Enum):
    FAST = "fast"
    SLOW = "slow"

class Store(BaseModel):
    url: str
    retries: int = 3

class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__")
    url: str
    port: int = 8000
    debug: bool = False
    mode: Mode = Mode.FAST
    level: Literal["low", "high"] = "low"
    tags: list[str] = []
    limit: Optional[int] = None
    key: str = Field(default="", validation_alias=AliasChoices("API_KEY", "OLD_KEY"))
    plain: str = Field(alias="PLAIN")
    store: Store

settings = Settings()
"""


def test_settings_classes(reads_of: ReadsOf) -> None:
    found = {r.names: r for r in reads_of(PYDANTIC).reads}

    assert {names: r.required for names, r in found.items()} == {
        ("APP_URL",): True,
        ("APP_PORT",): False,
        ("APP_DEBUG",): False,
        ("APP_MODE",): False,
        ("APP_LEVEL",): False,
        ("APP_TAGS",): False,
        ("APP_LIMIT",): False,
        ("API_KEY", "OLD_KEY"): False,
        ("PLAIN",): True,
        ("APP_STORE",): False,
        ("APP_STORE__URL", "APP_STORE"): True,
        ("APP_STORE__RETRIES", "APP_STORE"): False,
    }
    rejected = {"APP_PORT": "x", "APP_DEBUG": "maybe", "APP_MODE": "idle", "APP_LEVEL": "mid", "APP_TAGS": "a,b"}
    taken = {"APP_PORT": "1", "APP_DEBUG": "on", "APP_MODE": "slow", "APP_LEVEL": "high", "APP_TAGS": '["a"]'}
    by_name = {r.name: r for r in found.values()}
    assert all(by_name[name].rejection(text) for name, text in rejected.items())
    assert not any(by_name[name].rejection(text) for name, text in taken.items())


def test_settings_of_pydantic_1(reads_of: ReadsOf) -> None:
    text = """
    from pydantic import BaseSettings, Field
    class Settings(BaseSettings):
        url: str
        key: str = Field(..., env="API_KEY")
        class Config:
            env_prefix = "app_"
    """
    assert {r.names: r.required for r in reads_of(text).reads} == {("APP_URL",): True, ("API_KEY",): True}


def test_a_read_stands_where_its_name_does(reads_of: ReadsOf) -> None:
    helper = "import os\ndef read(name):\n    return os.environ[name]\n"
    (read,) = reads_of("from helper import read\n\nA = read(\n    'A',\n)\n", helper=helper).reads

    assert (read.file.rpartition("/")[2], read.line) == ("main.py", 4)


def test_a_constant_that_nobody_uses_is_not_charged(reads_of: ReadsOf) -> None:
    config = "import os\nA = os.getenv('A', 'x')\nB = os.getenv('B', 'x')\nC = os.environ['C']\n"
    found = reads_of("import config\nprint(config.A)\n", config=config).reads

    assert {r.name: (r.used, r.required) for r in found} == {
        "A": (True, False),
        "B": (False, False),
        "C": (False, True),
    }


def test_only_what_is_reached_is_charged(reads_of: ReadsOf) -> None:
    found = reads_of(
        "from used import work\nwork()\n",
        used="import os\ndef work():\n    return os.environ['A']\ndef idle():\n    return os.environ['B']\n",
        never="import os\nC = os.environ['C']\n",
    )
    assert [r.name for r in found.reads] == ["A"]


def test_an_import_inside_a_function_counts(reads_of: ReadsOf) -> None:
    found = reads_of("def main():\n    from late import A\n    print(A)\n", late="import os\nA = os.environ['A']\n")

    assert [r.name for r in found.reads] == ["A"]


def test_a_function_that_a_framework_calls_counts(reads_of: ReadsOf) -> None:
    routes = "import os\nfrom web import router\n@router.get('/')\ndef index():\n    return os.environ['A']\n"
    found = reads_of("import routes\n", routes=routes)

    assert [r.name for r in found.reads] == ["A"]


def test_the_whole_environment(reads_of: ReadsOf) -> None:
    handed_on = reads_of("import os, other\nother.configure(os.environ)\n")
    walked = reads_of("import os\nA = {k: v for k, v in os.environ.items()}\n")
    prefixed = reads_of("import os\nA = {k: v for k, v in os.environ.items() if k.startswith('APP_')}\n")

    assert (handed_on.is_open, walked.is_open, prefixed.is_open, prefixed.prefixes) == (True, True, False, ("APP_",))


def test_a_computed_name_is_not_checked(reads_of: ReadsOf) -> None:
    found = reads_of("import os, sys\nA = os.environ[sys.argv[1]]\n")

    assert [text for _, text in found.not_followed] == [":2: the name of a variable is computed"]


HOSTILE = {
    "an endless loop": "import os\nwhile True:\n    os.getenv('A')\n",
    "an endless recursion": "import os\ndef f(n):\n    return f(n + 1)\nf(0)\nA = os.getenv('A')\n",
    "a long number": "import os\nX = 10 ** 10 ** 10\nY = 'a' * 10 ** 12\nA = os.getenv('A')\n",
    "nested loops": "import os\nN = list(range(1000))\nR = [1] * 5\n"
    + "for a in (1,2,3,4,5,6,7,8,9):\n for b in (1,2,3,4,5,6,7,8,9):\n  for c in (1,2,3,4,5,6,7,8,9):\n   "
    "for d in (1,2,3,4,5,6,7,8,9):\n    for e in (1,2,3,4,5,6,7,8,9):\n     X = a + b + c + d + e\n"
    "A = os.getenv('A')\n",
    "deep nesting": "import os\nA = os.getenv('A')\nX = " + "(" * 80 + "1" + ")" * 80 + "\n",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_sources_cannot_hold_up_the_analysis(reads_of: ReadsOf, text: str) -> None:
    assert [r.name for r in reads_of(text).reads] == ["A"]


def test_nothing_of_the_sources_runs(reads_of: ReadsOf, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"import os, pathlib\nA = os.getenv('A')\npathlib.Path({str(mark)!r}).touch()\nos.system('touch {mark}')\n"

    assert reads_of(text).starts_programs
    assert not mark.exists()


def test_a_file_that_is_no_python_is_said_to_be(reads_of: ReadsOf) -> None:
    found = reads_of("import other\n", other="def (:\n")

    assert [text for _, text in found.not_followed] == [": invalid syntax"]
