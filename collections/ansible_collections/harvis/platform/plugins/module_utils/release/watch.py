"""Watching a release's pods while helm waits: a rollback on failure deletes the very pods that say why."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, ClusterError, Object
from ansible_collections.harvis.platform.plugins.module_utils.release.selectors import Selector
from ansible_collections.harvis.platform.plugins.module_utils.rollout.causes import why_not_ready
from ansible_collections.harvis.platform.plugins.module_utils.rollout.lasting import hopeless
from ansible_collections.harvis.platform.plugins.module_utils.rollout.pods import all_containers, counts, is_ready, path
from ansible_collections.harvis.platform.plugins.module_utils.rollout.surroundings import Surroundings

POLL_SECONDS = 2.0
LOG_LINES = 15
_REFRESH_SECONDS = 15.0
_MOST_PODS = 8
# The kubelet's words for a log that is gone; they come with status 200.
_NO_LOG = "unable to retrieve container logs"

_PodKey = tuple[str, str]


@dataclass(frozen=True)
class _Seen:
    """Why a pod was not ready when it was last looked at, and its last words until then.

    ``state`` is what its own status says, ``cause`` what its words add to that.
    """

    state: Finding
    cause: Finding
    log: str
    read_at: float


@dataclass
class PodWatch:
    """Keeps, for every pod that does not get ready, the cause and the last lines of its log.

    ``hopeless`` is set once a pod that came since the beginning cannot get ready by waiting. What was there before
    may be on its way out, however ill it is.
    """

    cluster: Cluster
    selectors: tuple[Selector, ...]
    clock: t.Callable[[], float] = time.monotonic
    hopeless: threading.Event = field(default_factory=threading.Event)
    _before: set[str] = field(default_factory=set)
    _ill: set[str] = field(default_factory=set)
    _seen: dict[_PodKey, _Seen] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> t.Iterator[PodWatch]:
        """Look again and again, in a thread of its own, as long as the block runs."""
        with contextlib.suppress(ClusterError):
            self._before = {pod["metadata"]["uid"] for _, pods in self._mine() for pod in pods}
        thread = threading.Thread(target=self._poll, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join(POLL_SECONDS * 2)

    def look(self) -> None:
        """Read every pod of the release once."""
        ill: set[str] = set()
        for namespace, mine in self._mine():
            for pod in mine:
                if is_ready(pod):
                    self._seen.pop(_key(pod), None)
            # A pod on its way out says nothing new: what it said before is kept.
            troubled = [pod for pod in mine if counts(pod) and not is_ready(pod)]
            events = self.cluster.find("v1", "Event", namespace=namespace) if troubled else []
            for pod in troubled:
                self._note(pod, events)
            ill |= {pod["metadata"]["uid"] for pod in troubled if self._is_hopeless(pod)}
        # Twice in a row: the kubelet corrects itself, and words come after states.
        if ill & self._ill:
            self.hopeless.set()
        self._ill = ill

    def _mine(self) -> t.Iterator[tuple[str, list[Object]]]:
        for namespace in dict.fromkeys(s.namespace for s in self.selectors):
            pods = self.cluster.find("v1", "Pod", namespace=namespace)
            yield namespace, [pod for pod in pods if any(s.matches(pod) for s in self.selectors)]

    def _is_hopeless(self, pod: Object) -> bool:
        return pod["metadata"]["uid"] not in self._before and hopeless(self._seen[_key(pod)].cause, pod)

    def findings(self) -> list[Finding]:
        """One for each pod that was not ready when it was last seen; the newest first."""
        newest = sorted(self._seen.values(), key=lambda seen: -seen.read_at)[:_MOST_PODS]
        return [
            replace(seen.cause, evidence="\n".join(filter(None, [seen.cause.evidence, seen.log]))) for seen in newest
        ]

    def _poll(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            # A cluster that does not answer for a moment must not end the watch.
            with contextlib.suppress(ClusterError):
                self.look()

    def _note(self, pod: Object, events: list[Object]) -> None:
        state, known = why_not_ready(pod, events, ()), self._seen.get(_key(pod))
        if known and known.state == state and self.clock() - known.read_at < _REFRESH_SECONDS:
            return
        log = self._log(pod)
        if known and known.log and not log:
            # A container that was just started again has no log yet; its last words count.
            log = known.log
        logs = {(path(pod), str(container["name"])): log for container in all_containers(pod)}
        told = why_not_ready(pod, events, (), Surroundings(logs=logs))
        # The same finding with the log's last line in it says no more: the whole log goes beside it.
        cause = told if told.code != state.code else state
        if known and known.log and state.code == "ROL-TIMEOUT":
            # Between two crashes a container looks as if it were merely starting.
            cause = known.cause
        self._seen[_key(pod)] = _Seen(state, cause, log, self.clock())

    def _log(self, pod: Object) -> str:
        """Of the first container that crashed, or that runs and is not ready."""
        for status in all_containers(pod):
            state = status.get("state") or {}
            crashed = bool(
                (status.get("lastState") or {}).get("terminated") or (state.get("terminated") or {}).get("exitCode")
            )
            if crashed or (state.get("running") and not status.get("ready")):
                return self._last_lines(pod, str(status["name"]), crashed=crashed)
        return ""

    def _last_lines(self, pod: Object, container: str, *, crashed: bool) -> str:
        # Between two starts the crashed container's log is the current one, after a start the previous one.
        for previous in (False, True) if crashed else (False,):
            with contextlib.suppress(ClusterError):
                text = self.cluster.logs(*_key(pod), container, previous=previous, lines=LOG_LINES).strip()
                if text and not text.startswith(_NO_LOG):
                    return f"last log lines of {container}:\n{text}"
        return ""


def _key(pod: Object) -> _PodKey:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]
