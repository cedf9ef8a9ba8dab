"""Tasks that hide a failure or lose their effect, at their lines; and the idioms that do neither."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.plays.check import check_plays

COLLECTION = Path(__file__).resolve().parents[5]
SHELL = "- name: T\n  ansible.builtin.shell: "


def found(folder: Path, text: str, name: str = "tasks/main.yml") -> list[tuple[str, int]]:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    findings, not_checked = check_plays(folder)
    assert not_checked == []
    return [(finding.code, finding.place.line) for finding in findings if finding.place]


def script(*lines: str, extra: str = "") -> str:
    return SHELL + "|\n" + "".join(f"    {line}\n" for line in lines) + extra


BASH = "  args:\n    executable: /bin/bash\n"

HIDDEN = [
    ("one line", SHELL + "docker build . | tee log\n", 2),
    ("a short name", "- shell: docker build . | tee log\n", 1),
    ("cmd", "- shell:\n    chdir: /x\n    cmd: make | tail -n 5\n", 3),
    ("cmd in args", "- shell:\n  args:\n    cmd: make | tail -n 5\n", 3),
    ("raw", "- raw: make | tail -n 5\n", 1),
    ("action", "- action:\n    module: shell\n    cmd: make | tail -n 5\n", 3),
    ("quoted", '- shell: "echo \\"a|b\\"; make | tail"\n', 1),
    ("folded", "- shell: >-\n    cd /x &&\n    make |\n    tail\n", 3),
    ("a later line", script("set -eu", "", "make all |", "  tail -n 5"), 5),
    ("a continued line", script("make \\", "  all \\", "  | tail -n 5"), 5),
    ("both streams", SHELL + "make |& tail\n", 2),
    ("set -e alone", script("set -e", "make | tail"), 4),
    ("pipefail too late", script("make | tail", "set -o pipefail"), 3),
    ("pipefail in a comment", script("# set -o pipefail", "make | tail"), 4),
    ("beside a printing one", script("echo y | cat", "make | tail"), 4),
    ("grep -v", SHELL + "make | grep -v warning\n", 2),
    ("in a block", "- block:\n    - shell: make | tail\n", 2),
    ("in a play", "- hosts: all\n  handlers:\n    - shell: make | tail\n", 3),
    ("with a here-document", script("cat x <<EOF | tail", "text", "EOF", "make | tail"), 6),
    ("Windows' line breaks", "- shell: |\r\n    true\r\n    make | tail\r\n", 3),
]


@pytest.mark.fault("F101", code="PLB-PIPE")
@pytest.mark.parametrize(("text", "line"), [row[1:] for row in HIDDEN], ids=[row[0] for row in HIDDEN])
def test_a_pipe_hides_a_failure(tmp_path: Path, text: str, line: int) -> None:
    assert found(tmp_path, text) == [("PLB-PIPE", line)]


OPEN = [
    ("pipefail", script("set -o pipefail", "make | tail", extra=BASH)),
    ("pipefail among others", script("set -euo pipefail", "make | tail", extra=BASH)),
    ("pipefail on the same line", SHELL + "set -o pipefail && make | tail\n" + BASH),
    ("pipefail of the shell", script("make | tail", extra="  args:\n    executable: /bin/bash -o pipefail\n")),
    ("or", SHELL + "make || exit 3\n"),
    ("in quotes", SHELL + "grep -E 'a|b' file; awk -F\"|\" '{print}' x\n"),
    ("in Jinja", SHELL + 'rm "{{ a | default(b) }}" {{ c | quote }}\n'),
    ("in a Jinja block", script("{% for i in x | sort %}", "touch {{ i }}", "{% endfor %}")),
    ("in a comment", script("# a | b", "true  # c | d")),
    ("in a here-document", script("cat > x <<'EOF'", "a | b", "EOF")),
    ("a printing producer", SHELL + "echo y | apt-key add -\n"),
    ("a text of several lines", script("cat <<EOF | kubectl apply -f -", "a | b", "EOF")),
    ("a search fails on nothing", SHELL + "kubectl get nodes | grep -q Ready\n"),
    ("a condition", script("if lsmod | tail | wc -l; then true; fi")),
    ("a pattern", script('case "$1" in', "  a|b) true ;;", "esac")),
    ("a test", script("[[ $x =~ a|b ]]")),
    ("a redirection", SHELL + "make >| log\n"),
    ("handled", SHELL + "make | tail || exit 3\n"),
    ("another language", script("x = 1 | 2", extra="  args:\n    executable: /usr/bin/python3\n")),
    ("no shell", "- ansible.builtin.command: echo a | b\n"),
    ("no task", "a | b\n"),
]


@pytest.mark.fault("F101", code="PLB-PIPE")
@pytest.mark.parametrize("text", [row[1] for row in OPEN], ids=[row[0] for row in OPEN])
def test_these_hide_nothing(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


LOST = [
    ("docker-env", SHELL + 'eval "$(minikube docker-env)"\n', 2),
    ("unquoted", SHELL + "eval $(minikube -p x docker-env)\n", 2),
    ("backquotes", SHELL + "eval `ssh-agent -s`\n", 2),
    ("export", script("set -e", "export DOCKER_HOST=tcp://x", "true"), 4),
    ("after real work", script("docker build .", "export TAG=1"), 4),
    ("under a condition", script("if test -f x; then", "  export A=1", "fi"), 4),
    ("an activated environment", SHELL + "source /opt/venv/bin/activate\n", 2),
    ("an openrc", SHELL + ". ~/openrc\n", 2),
    ("printed alone", "- name: T\n  command: minikube docker-env\n", 2),
    ("printed and kept unread", "- command: minikube docker-env --shell none\n  register: env\n", 1),
    ("printed and shown", "- command: minikube docker-env\n  register: e\n- debug: {msg: '{{ e.stdout }}'}\n", 1),
]


@pytest.mark.fault("F102", code="PLB-ENVIRONMENT")
@pytest.mark.parametrize(("text", "line"), [row[1:] for row in LOST], ids=[row[0] for row in LOST])
def test_environment_ends_with_its_task(tmp_path: Path, text: str, line: int) -> None:
    assert found(tmp_path, text) == [("PLB-ENVIRONMENT", line)]


KEPT = [
    ("in the same task", script('eval "$(minikube docker-env)"', "docker build .")),
    ("on one line", SHELL + 'eval "$(minikube docker-env)" && docker build .\n'),
    ("exported before work", script("export A=1", "make")),
    ("printed into a file", SHELL + "export -p > /etc/x; minikube docker-env > env\n"),
    ("a line for a file", SHELL + "echo 'export A=1' >> ~/.profile\n"),
    ("a here-document", script("cat > ~/.profile <<EOF", "export A=1", "EOF")),
    ("a sourced program", SHELL + ". ./deploy.sh\n"),
    ("eval of a command", SHELL + 'eval "$COMMAND"\n'),
    ("exports shown", SHELL + "export -p\n"),
    ("as the task's environment", "- command: docker build .\n  environment: {DOCKER_HOST: tcp://x}\n"),
    (
        "printed and read",
        "- command: minikube docker-env --shell none\n  register: e\n"
        "- command: docker build .\n  environment: '{{ e.stdout | from_env }}'\n",
    ),
]


@pytest.mark.fault("F102", code="PLB-ENVIRONMENT")
@pytest.mark.parametrize("text", [row[1] for row in KEPT], ids=[row[0] for row in KEPT])
def test_these_lose_no_environment(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


RUN = "- name: T\n  command: make\n"
USE = '- set_fact: {{v: "{{{{ r.stdout | {} }}}}"}}\n'

SWALLOWED = [
    ("failed_when", RUN + "  failed_when: false\n", [3]),
    ("another word for it", RUN + "  failed_when: no\n", [3]),
    ("ignore_errors", RUN + "  ignore_errors: true\n", [3]),
    ("of a block", "- block:\n    - command: make\n  ignore_errors: yes\n", [3]),
    ("of a play", "- hosts: all\n  ignore_errors: true\n  tasks: []\n", [2]),
    ("registered and unread", RUN + "  register: r\n  failed_when: false\n", [4]),
    ("registered and shown", RUN + "  register: r\n  failed_when: false\n- debug: {var: r.rc}\n", [4]),
    ("a directive is no reason", RUN + "  ignore_errors: true  # noqa: ignore-errors\n", [3]),
    ("an empty stand-in", RUN + "  register: r\n" + USE.format("default('')"), [4]),
    ("another one", RUN + "  register: r\n- set_fact:\n    v: \"{{ r.stdout | d('', true) }}\"\n", [5]),
    ("and both", RUN + "  register: r\n  failed_when: false\n" + USE.format("default([])"), [4, 5]),
    (
        "on a line of its own",
        RUN + "  register: r\n- assert:\n    that:\n      - true\n      - r.rc | default(0) == 0\n",
        [7],
    ),
]


@pytest.mark.fault("F103", code="PLB-SWALLOW")
@pytest.mark.parametrize(("text", "lines"), [row[1:] for row in SWALLOWED], ids=[row[0] for row in SWALLOWED])
def test_a_failure_becomes_ok(tmp_path: Path, text: str, lines: list[int]) -> None:
    assert found(tmp_path, text) == [("PLB-SWALLOW", line) for line in lines]


TOLD = [
    ("a reason beside", RUN + "  failed_when: false  # an absent unit is what we want\n"),
    ("a reason above", RUN + "  # The unit may be absent.\n  ignore_errors: true\n"),
    ("a reason above the task", "# The unit may be absent.\n" + RUN + "  ignore_errors: true\n"),
    ("a condition", RUN + "  register: r\n  failed_when: r.rc not in [0, 1]\n"),
    ("in check mode", RUN + '  ignore_errors: "{{ ansible_check_mode }}"\n'),
    ("looked at later", RUN + "  register: r\n  failed_when: false\n- command: x\n  when: r.rc != 0\n"),
    ("asserted", RUN + "  register: r\n  failed_when: false\n- assert: {that: r is succeeded}\n"),
    ("looked at by itself", RUN + "  register: r\n  failed_when: false\n  until: r.rc == 0\n"),
    ("of a task that may be skipped", RUN + "  register: r\n  when: x\n" + USE.format("default('')")),
    (
        "in a block that may be skipped",
        "- block:\n    - command: make\n      register: r\n  when: x\n" + USE.format("d('')"),
    ),
    ("of a module that may be skipped", "- uri: {url: x}\n  register: r\n" + USE.format("default('')")),
    ("of no result", "- set_fact: {v: \"{{ given | default('') }}\"}\n"),
    ("with a value", RUN + "  register: r\n" + USE.format("default('none')")),
    (
        "while a failure is repaired",
        "- block:\n    - command: make\n      register: r\n"
        "  rescue:\n    - fail: {msg: \"{{ r.stdout | default('') }}\"}\n",
    ),
]


@pytest.mark.fault("F103", code="PLB-SWALLOW")
@pytest.mark.parametrize("text", [row[1] for row in TOLD], ids=[row[0] for row in TOLD])
def test_these_swallow_nothing(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


def test_a_template_may_be_who_looks(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.j2").write_text("{% if r.rc %}failed{% endif %}")

    assert found(tmp_path, RUN + "  register: r\n  failed_when: false\n") == []


def test_a_finding_says_what_and_where(tmp_path: Path) -> None:
    found(tmp_path, "- name: Build\n  shell: docker build . | tee log\n")
    (finding,) = check_plays(tmp_path)[0]

    assert str(finding) == (
        "PLB-PIPE tasks/main.yml:2: 'Build' succeeds when `docker` fails: only the status of `tee` counts\n"
        "Evidence: docker build . | tee log\n"
        "Fix: Begin the script with `set -o pipefail` and run it with `executable: /bin/bash`."
    )


def test_what_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path) -> None:
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "broken.yml").write_text("- shell: x\n  y: [\n")
    (tasks / "binary.yml").write_bytes(b"\xff\xfe\x00")
    (tasks / "deep.yml").write_text("[" * 5000)
    (tasks / "large.yml").write_text("# " + "x" * (2 * 1024**2))
    (tasks / "round.yml").write_text("- &a\n  block: [*a]\n")
    (tasks / "bomb.yml").write_text(
        "- a: &a [x, x]\n" + "".join(f"- a: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(24))
    )
    (tasks / "outside.yml").symlink_to("/etc/hostname")
    (tasks / "main.yml").write_text("- shell: make | tail\n")
    (tasks / "objects.yml").write_text("a: 1\n---\nb: 2\n")
    findings, not_checked = check_plays(tmp_path)

    assert [(f.place.file, f.place.line) for f in findings if f.place] == [("tasks/main.yml", 1)]
    assert [text.partition(":")[0] for text in not_checked] == [
        "tasks/binary.yml",
        "tasks/broken.yml",
        "tasks/deep.yml",
        "tasks/large.yml",
    ]
    assert "tasks/broken.yml:3: is no YAML" in not_checked[1]


@pytest.mark.parametrize("opening", ["{{ ", "$( ", "<<b\n    ", "a|b ", "(( ", "'", '"', "x "])
def test_a_script_without_end_takes_no_time(tmp_path: Path, opening: str) -> None:
    (tmp_path / "main.yml").write_text("- shell: |\n    " + opening * 100_000 + "\n")
    started = time.process_time()
    _, not_checked = check_plays(tmp_path)

    assert not_checked == ["main.yml:1: the script is too large to be looked at"]
    assert time.process_time() - started < 5


@pytest.mark.parametrize("opening", ["{{ ", "$( ", "<<b\n    ", "a|b ", "(( ", "[[ ", "`", '"'])
def test_the_largest_script_takes_little_time(tmp_path: Path, opening: str) -> None:
    text = (opening * 450).ljust(45_000, "x")
    (tmp_path / "main.yml").write_text(f"- shell: |\n    {text}\n")
    started = time.process_time()
    _, not_checked = check_plays(tmp_path)

    assert not_checked == []
    assert time.process_time() - started < 5


def test_a_folder_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    assert check_plays(tmp_path / "none") == ([], [f"{tmp_path / 'none'}: is no folder with playbooks"])


@pytest.mark.parametrize("folder", ["roles", "playbooks"])
def test_ours_are_clean(folder: str) -> None:
    assert check_plays(COLLECTION / folder) == ([], [])
