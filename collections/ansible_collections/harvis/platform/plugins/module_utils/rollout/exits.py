"""What a container's end means."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.kube import Object

EXIT_CODES = {
    1: "an error of its own",
    78: "a configuration value that it refuses (its log names the variable)",
    126: "its command is not executable",
    127: "its command was not found",
    128: "its command cannot be started",
    137: "killed (SIGKILL)",
    139: "a crash in native code (SIGSEGV)",
    143: "asked to end (SIGTERM)",
    255: "the runtime lost it",
}


def killed_for_memory(ended: Object) -> bool:
    return ended.get("reason") == "OOMKilled"


def meaning(ended: Object) -> str:
    """Exit code in words, with the runtime's own reason where that says more."""
    code = int(ended.get("exitCode", 0))
    reason = ended.get("reason", "")
    words = EXIT_CODES.get(code, "")
    said = ", ".join(part for part in (words, reason if reason not in ("", "Error", "Completed") else "") if part)
    return f"exit code {code}" + (f" ({said})" if said else "")
