"""Lines and table of a real run on two hosts, one of which fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parents[7]
PLAY = """
- hosts: all
  connection: local
  gather_facts: false
  strategy: free
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - name: Have the topics
      harvis.platform.kafka_topics:
        bootstrap: 127.0.0.1:1
        topics: []
        timeout: 1
      when: inventory_hostname == 'bad'
    - name: Build
      harvis.platform.image_build:
        cache_dir: "{{ folder }}/cache"
        docker_host: unix:///nonexistent/socket
        images: [{name: vhm-indexer, context: "{{ folder }}/none"}]
      ignore_errors: true
"""


def test_two_hosts_go_on_without_each_other_and_end_in_one_table(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "ansible.cfg").write_text(f"[defaults]\ncollections_path = {COLLECTIONS}\n")
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_CALLBACKS_ENABLED": "harvis.platform.components",
    }
    argv = [sys.executable, "-m", "ansible.cli.playbook", "-i", "good,bad,", "-e", f"folder={tmp_path}", "play.yml"]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    lines = [re.sub(r"\d+\.\d", "N", line).rstrip() for line in done.stdout.splitlines()]
    table = lines[lines.index("Components") + 1 :]
    assert "good: indexer built failed (N s)" in lines
    assert table == [
        "host  component  built   delivered  rolled out  verified  seconds",
        "bad   topics     -       -          failed      -         N",
        "good  indexer    failed  -          -           -         N",
        "bad stopped at: Have the topics",
    ]
    assert "\x1b" not in "\n".join(table)
