"""What the plugin says of itself: the lines of klog, and the configuration that it prints when it starts."""

from __future__ import annotations

import json
import re
import typing as t

IDLE = "No devices found. Waiting indefinitely."
_LINE = re.compile(r"^(?P<level>[IWEF])\d{4} [\d:.]+\s+\d+ [^\]]+\] ?(?P<text>.*)$")
_RUNNING = re.compile(r"^Running with config:\n(\{.*?^\})", re.MULTILINE | re.DOTALL)
# Advice that the plugin gives with every failure, whatever its cause.
_ADVICE = ("If this is ", "You can check ", "You can learn ", "could not load NVML", "using empty manager")
_ILL = re.compile(
    r"marked unhealthy|marking (?:it|device) as unhealthy|Marking .* as unhealthy|Error waiting for event"
)
_MEANINGS = (
    (r"LIBRARY_NOT_FOUND|libnvidia-ml\.so", "the container has no NVML: the runtime did not put the driver into it"),
    (r"version mismatch|RM_VERSION_MISMATCH", "the driver's library and its loaded module have different versions"),
    (r"DRIVER_NOT_LOADED|Driver Not Loaded", "the kernel module is not loaded"),
    (r"Incompatible strategy", "neither NVML nor a Tegra was found: the runtime did not put the driver into it"),
    (r"no runtime for", "the container runtime has no handler of the RuntimeClass's name"),
    (r"NO_PERMISSION|Insufficient Permissions", "the container may not open the devices"),
    (r"no MIG devices configured|same migEnabled", "MIG is enabled on a card and its devices are not made"),
    (r"GPU_IS_LOST|GPU is lost", "a card fell off the bus"),
    (r"unable to load config|unable to validate flags|unable to finalize config", "its configuration is refused"),
    (r"inotify|too many open files", "the node has no inotify watches left"),
)


def lines(log: str) -> list[tuple[str, str]]:
    """Level (I, W, E, F) and text of each line that klog wrote."""
    found = (_LINE.match(line) for line in log.splitlines())
    return [(match["level"], match["text"].strip()) for match in found if match]


def reason(log: str) -> str:
    """Why it offers nothing, in its own words: the first failure of its last start; empty when it says none."""
    said = _last_start(lines(log))
    failures = [text for level, text in said if level in "EF" and not text.startswith(_ADVICE)]
    if failures:
        return failures[0]
    idle = [text for _, text in said if text == IDLE]
    return idle[0] if idle else ""


def meaning(words: str) -> str:
    """What the plugin's own words mean for the one who must mend it; empty for words that are not known."""
    return next((said for pattern, said in _MEANINGS if re.search(pattern, words)), "")


def is_idle(log: str) -> bool:
    """It looked, found nothing, and will not look again."""
    return any(text == IDLE for _, text in _last_start(lines(log)))


def illness(log: str) -> str:
    """The last line about a device that it no longer offers."""
    found = [text for _, text in lines(log) if _ILL.search(text)]
    causes = [text for text in found if "Xid" in text or "Error" in text]
    return (causes or found or [""])[-1]


def running_config(log: str) -> dict[str, t.Any] | None:
    """The configuration of its last start; None when the log does not reach back so far."""
    found = _RUNNING.findall(log)
    try:
        return dict(json.loads(found[-1])) if found else None
    except ValueError:
        return None


def shares_of(configuration: t.Mapping[str, t.Any], resource: str) -> int:
    """How often the plugin shares ``resource``."""
    sharing = (configuration.get("sharing") or {}).get("timeSlicing") or {}
    named = [r for r in sharing.get("resources") or [] if r.get("name") == resource]
    return int(named[0].get("replicas", 1)) if named else 1


def _last_start(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    starts = [index for index, (_, text) in enumerate(said) if text == "Starting Plugins."]
    return said[starts[-1] :] if starts else said
