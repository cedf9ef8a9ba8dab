"""Playbooks and roles: tasks that say ok although something failed, or whose effect ends with them."""
