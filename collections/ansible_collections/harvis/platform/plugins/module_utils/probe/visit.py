"""What the probes of one verification share: where to ask, what to say, how long to wait, the memory they pass on."""

from __future__ import annotations

import datetime as dt
import typing as t
import uuid
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.findings import fail
from ansible_collections.harvis.platform.plugins.module_utils.probe.client import Answer, Client

TIME_LIMITS: dict[str, float] = {
    "ready": 10,
    "models": 10,
    "chat": 180,
    "speak": 90,
    # Torch and ONNX Runtime are imported in processes of their own, when first asked.
    "gpu-use": 90,
    "remember": 45,
    "recall": 45,
    "retell": 120,
    "forget": 30,
    "http": 30,
}


@dataclass(frozen=True)
class Settings:
    """What to expect of the platform; ``wait`` is how long it may take to become ready, in seconds.

    ``gpu`` are the containers that were granted a card.
    """

    backend: str
    model: str | None = None
    message: str = "Say hello in one short sentence."
    sentence: str = "Your memories stay on your own machine."
    allow_degraded: bool = False
    wait: float = 0
    time_limits: t.Mapping[str, float] = field(default_factory=dict)
    gpu: tuple[str, ...] = ()
    gpu_simulated: bool = False

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Settings:
        """Refuse what no client could use before anything is sent."""
        backend = params.get("backend") or ""
        if (params["checks"] or params["gpu"]) and not backend.startswith(("http://", "https://")):
            raise fail("PLB-INPUT", "backend", f"{backend!r} is not an http(s) address", fix="Give http://HOST:PORT.")
        return cls(
            backend=backend,
            model=params.get("model"),
            message=params["message"],
            sentence=params["sentence"],
            allow_degraded=params["allow_degraded"],
            wait=params["wait"],
            time_limits=_limits(params["time_limits"]),
            gpu=tuple(params["gpu"]),
            gpu_simulated=params["gpu_simulated"],
        )

    def limit(self, check: str) -> float:
        return self.time_limits.get(check, TIME_LIMITS[check])


def _limits(given: t.Mapping[str, t.Any]) -> dict[str, float]:
    unknown = sorted(set(given) - set(TIME_LIMITS))
    try:
        limits = {name: float(seconds) for name, seconds in given.items()}
    except (TypeError, ValueError):
        limits = {}
    if unknown or len(limits) != len(given) or any(seconds <= 0 for seconds in limits.values()):
        known = ", ".join(TIME_LIMITS)
        raise fail(
            "PLB-INPUT", "time_limits", f"cannot be used: {dict(given)}", fix=f"Give seconds for any of {known}."
        )
    return limits


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


@dataclass
class Visit:
    """One verification under way.

    ``memory_ids`` are the anchors to be deleted at its end; true where the platform said that it holds the anchor.
    """

    settings: Settings
    client: Client
    now: dt.datetime = field(default_factory=_now)
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    weights: dict[str, str] = field(default_factory=dict)
    memory_tried: bool = False
    memory_ids: dict[str, bool] = field(default_factory=dict)

    @property
    def memory_text(self) -> str:
        """A text nobody else has written, so that what is recalled is what was remembered."""
        return f"Harvis verification {self.token}: the ferry stayed ashore because the river was high."

    def url(self, path: str) -> str:
        return self.settings.backend.rstrip("/") + path

    def send(self, check: str, method: str, path: str, body: t.Any = None) -> Answer:
        return self.client.send(method, self.url(path), json=body, limit=self.settings.limit(check))

    def claim(self, anchor_id: str, *, stored: bool) -> None:
        """Take an anchor as ours to delete."""
        self.memory_ids[anchor_id] = stored or self.memory_ids.get(anchor_id, False)
