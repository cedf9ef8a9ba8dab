"""What a Dockerfile says an image holds, sets, installs and starts."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.contract import shell
from ansible_collections.harvis.platform.plugins.module_utils.contract.dockerfile import expand, instructions
from ansible_collections.harvis.platform.plugins.module_utils.contract.image import Image, read_image
from ansible_collections.harvis.platform.plugins.module_utils.contract.matching import find_context
from ansible_collections.harvis.platform.plugins.module_utils.contract.requirements import image_requirements
from ansible_collections.harvis.platform.plugins.module_utils.contract.start import find_start

Write = t.Callable[[dict[str, str]], Path]


def image(write: Write, dockerfile: str, **files: str) -> Image:
    folder = write({"Dockerfile": dockerfile, **{name.replace("__", "/"): text for name, text in files.items()}})
    return read_image(folder / "Dockerfile", folder)


def test_instructions_with_continuations_comments_and_heredocs() -> None:
    text = "# syntax=x\nFROM a \\\n  AS b\nRUN one && \\\n# between\n  two\nRUN <<EOF\ninside\nEOF\n"
    text += "COPY --from=b --chown=1:1 x y\n"
    found = [(i.name, i.text, i.line, i.heredocs, i.flags) for i in instructions(text)]

    assert found == [
        ("FROM", "a    AS b", 2, (), {}),
        ("RUN", "one &&    two", 4, (), {}),
        ("RUN", "<<EOF", 7, ("inside",), {}),
        ("COPY", "x y", 10, (), {"from": "b", "chown": "1:1"}),
    ]


EXPANSIONS = [
    ("$A/${A}", "1/1"),
    ("${B:-two}", "two"),
    ("${A:+set}${B:+unset}", "set"),
    (r"\$A", "$A"),
    ("$B", ""),
]


@pytest.mark.parametrize(("text", "expected"), EXPANSIONS)
def test_variables_of_a_build(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


COPIES: list[tuple[str, set[str]]] = [
    ("COPY app /srv/app", {"srv/app/main.py", "srv/app/deep/x.py"}),
    ("COPY app/ /srv/", {"srv/main.py", "srv/deep/x.py"}),
    ("WORKDIR /srv\nCOPY run.py .", {"srv/run.py"}),
    ("COPY run.py /srv/start.py", {"srv/start.py"}),
    ("COPY run.py requirements.txt /srv/", {"srv/run.py", "srv/requirements.txt"}),
    ("COPY *.py /srv/", {"srv/run.py"}),
    ('COPY ["run.py", "/srv/run.py"]', {"srv/run.py"}),
    ("ARG HERE=/srv\nCOPY run.py ${HERE}/", {"srv/run.py"}),
]


@pytest.mark.parametrize(("lines", "expected"), COPIES, ids=[lines for lines, _ in COPIES])
def test_what_is_copied(write: Write, lines: str, expected: set[str]) -> None:
    files = {"app__main.py": "", "app__deep__x.py": "", "run.py": "", "requirements.txt": ""}

    assert set(image(write, f"FROM python:3.12\n{lines}\n", **files).files) == expected


def test_stages_build_on_each_other(write: Write) -> None:
    built = image(
        write,
        "ARG TAG=3.12\nFROM python:${TAG} AS base\nENV A=1\nWORKDIR /one\nCOPY run.py .\n"
        "FROM base AS libraries\nCOPY requirements.txt /tmp/r.txt\nRUN pip install -r /tmp/r.txt\n"
        'FROM base\nENV B=${A}2 C=\'x y\'\nCOPY --from=libraries /tmp/r.txt /kept.txt\nCMD ["python", "run.py"]\n',
        **{"run.py": "", "requirements.txt": "flask==3.0.0\n"},
    )

    assert set(built.files) == {"one/run.py", "kept.txt"}
    assert {k: v.value for k, v in built.environment.items()} == {"A": "1", "B": "12", "C": "x y"}
    assert (built.bases, built.folder, built.command) == (["python:3.12"], "one", ["python", "run.py"])
    assert image_requirements(built).names == {"flask"}


def test_what_is_ignored_is_not_copied(write: Write) -> None:
    folder = write({".dockerignore": "*.txt\n", "Dockerfile": "FROM a\nCOPY . /x\n", "a.txt": "", "b.py": ""})

    assert set(read_image(folder / "Dockerfile", folder).files) == {"x/.dockerignore", "x/Dockerfile", "x/b.py"}


INSTALLS: list[tuple[str, list[tuple[str, str]]]] = [
    ("pip install -r requirements.txt flask", [("file", "requirements.txt"), ("name", "flask")]),
    ("pip3 install --no-cache-dir --requirement=a.txt", [("file", "a.txt")]),
    ("python -m pip install --index-url https://x flask==3", [("name", "flask==3")]),
    ("uv pip install --python /opt/venv/bin/python -r r.txt", [("file", "r.txt")]),
    ("cd /x && pip install .", [("folder", ".")]),
    ("pip install -e .", [("folder", ".")]),
    ("poetry install --no-root", [("folder", ".")]),
    ("apt-get update && apt-get install -y python3-yaml", [("system", "install"), ("system", "python3-yaml")]),
    ("pip install git+https://x/y", [("unknown", "git+https://x/y")]),
    ("conda install numpy", [("unknown", "conda")]),
]


@pytest.mark.parametrize(("text", "expected"), INSTALLS, ids=[text for text, _ in INSTALLS])
def test_what_is_installed(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(i.kind, i.value) for i in shell.installs(text)] == expected


# argv, and the module and script that it leads to.
STARTS: list[tuple[list[str], str, str]] = [
    (["python", "-m", "app.main"], "app.main", ""),
    (["python3.12", "-u", "run.py"], "", "srv/run.py"),
    (["uvicorn", "app.main:app", "--host", "0.0.0.0"], "app.main", ""),
    (["gunicorn", "-b", "localhost:80", "-k", "uvicorn.workers.UvicornWorker", "app.web:make()"], "app.web", ""),
    (["uvicorn", "--reload", "app.main:app"], "app.main", ""),
    (["python", "-m", "uvicorn", "app.main:app"], "app.main", ""),
    (["celery", "-A", "app.tasks", "worker"], "app.tasks", ""),
    (["sh", "-c", "exec python -m ${MODULE}"], "app.main", ""),
    (["sh", "-c", "python manage.py migrate && python -m app.main"], "app.main", ""),
    (["tini", "--", "python", "-m", "app.main"], "app.main", ""),
    (["poetry", "run", "python", "-m", "app.main"], "app.main", ""),
    (["/entrypoint.sh", "python", "-m", "app.main"], "app.main", ""),
    (["/bin/server"], "", ""),
]


@pytest.mark.parametrize(("argv", "module", "script"), STARTS, ids=[" ".join(argv) for argv, *_ in STARTS])
def test_what_is_started(write: Write, argv: list[str], module: str, script: str) -> None:
    entrypoint = write({"entrypoint.sh": '#!/bin/sh\nset -e\nexec "$@"\n'}) / "entrypoint.sh"
    found = find_start(argv, {"MODULE": "app.main"}, {"entrypoint.sh": entrypoint}, "srv")

    assert (found.module, found.script) == (module, script)


def test_a_context_is_where_everything_that_is_copied_lies(write: Write) -> None:
    root = write(
        {
            "one/docker/worker.Dockerfile": "FROM a\nCOPY requirements.txt common /x/\n",
            "one/requirements.txt": "",
            "one/common/a.py": "",
            "two/Dockerfile": "FROM a\nCOPY . .\n",
            "two/b.py": "",
        }
    )
    assert find_context(root / "one/docker/worker.Dockerfile", root) == root / "one"
    assert find_context(root / "two/Dockerfile", root) == root / "two"
