"""Long-running programs of ours, under systemd where it is PID 1, else under supervisor (supervisord.org)."""
