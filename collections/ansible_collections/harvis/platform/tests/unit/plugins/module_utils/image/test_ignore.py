from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.cli import find_build_cli
from ansible_collections.harvis.platform.plugins.module_utils.image.context import list_paths
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.ignore import IgnoreRules, find_rules
from ansible_collections.harvis.platform.plugins.module_utils.process import SystemRunner

Tree = t.Callable[[dict[str, str]], Path]

FILES = (
    ".env",
    "README.md",
    "a.pyc",
    "a+b.txt",
    "common/a.py",
    "common/__pycache__/a.pyc",
    "docs/guide.md",
    "docs/img/x.png",
    "node_modules/p/index.js",
    "node_modules/p/keep.md",
    "workers/w1/main.py",
    "workers/w1/__pycache__/main.pyc",
    "workers/w1/build/x1",
)

RULES = {
    "nothing": "",
    "comments and blanks": "# .env\n\n   \n",
    "a file": ".env\n",
    "a folder": "docs\n",
    "a folder with slashes": "/docs/\n",
    "dots": "./docs/../common/\n",
    "star stays in one folder": "*.pyc\n",
    "double star": "**/*.pyc\n",
    "double star folder": "**/__pycache__\n",
    "double star in the middle": "workers/**/x?\n",
    "question mark": "workers/w?/main.py\n",
    "character class": "workers/w[0-9]/build\n",
    "a dot is a dot": "a.py\nREADME?md\n",
    "all but one": "*\n!README.md\n",
    "all but a folder": "*\n!workers\n",
    "exception below an ignored folder": "docs\n!docs/img\n",
    "the last rule wins": "!README.md\nREADME.md\n",
    "exception of an exception": "docs\n!docs/*.md\ndocs/guide.md\n",
    "all by double star but one": "**\n!common/a.py\n",
    "blanks around": "  docs  \n",
    "trailing double star": "docs/**\n",
}

EXPECTED_IGNORED = [
    ("docs", "docs/img/x.png", True),
    ("docs", "docs2/x", False),
    ("*.pyc", "a.pyc", True),
    ("*.pyc", "common/a.pyc", False),
    ("**/*.pyc", "a.pyc", True),
    ("**/*.pyc", "x/y/a.pyc", True),
    ("a.pyc", "aXpyc", False),
    ("docs\n!docs/img", "docs/img/x.png", False),
    ("docs\n!docs/img", "docs/guide.md", True),
    (r"a\*b", "a*b", True),
    (r"a\*b", "aXb", False),
    ("#docs", "#docs", False),
    ("a+b.txt", "a+b.txt", True),
    ("a(b)", "a(b)", True),
    ("\ufeffdocs", "docs", True),
]


@pytest.mark.parametrize(("rules", "path", "ignored"), EXPECTED_IGNORED)
def test_the_last_rule_that_hits_decides(rules: str, path: str, ignored: bool) -> None:
    assert IgnoreRules.parse(rules).ignores_path(path) is ignored


def test_rules_beside_the_dockerfile_win(tree: Tree) -> None:
    context = tree({".dockerignore": "a\n", "docker/W.Dockerfile.dockerignore": "b\n", "docker/W.Dockerfile": ""})
    assert find_rules(context, context / "docker/W.Dockerfile") == IgnoreRules.parse("b")
    assert find_rules(context, context / "Dockerfile") == IgnoreRules.parse("a")


def test_an_empty_file_beside_the_dockerfile_counts_as_none(tree: Tree) -> None:
    context = tree({".dockerignore": "a\n", "Dockerfile.dockerignore": ""})
    assert find_rules(context, context / "Dockerfile") == IgnoreRules.parse("a")


@pytest.mark.docker
@pytest.mark.usefixtures("real_daemon")
@pytest.mark.parametrize("name", RULES)
def test_buildkit_sends_the_same_files(name: str, tree: Tree, tmp_path: Path) -> None:
    context = tree({**dict.fromkeys(FILES, "x"), ".dockerignore": RULES[name]})
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    received = tmp_path / "received"
    try:
        cli = find_build_cli(SystemRunner())
    except ImageError as exc:
        pytest.skip(exc.findings[0].cause)
    argv = [
        cli.path,
        "build",
        "--quiet",
        "--output",
        f"type=local,dest={received}",
        "-f",
        tmp_path / "Dockerfile",
        context,
    ]
    done = subprocess.run(argv, env={**os.environ, **cli.environment}, capture_output=True, text=True, check=False)
    sent = sorted(str(path.relative_to(received)) for path in received.rglob("*") if path.is_file())
    assert done.returncode == 0 or not sent, done.stderr
    ours = list_paths(context, (), IgnoreRules.parse(RULES[name]))
    assert ours == sent
