"""Being told by the API server that something changed, instead of asking again and again."""

from __future__ import annotations

import threading
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.kube.objects import Object

# What is listened to at a time: (apiVersion, kind).
Kind = tuple[str, str]
Stream = t.Callable[[t.Any], t.Iterable[Object]]

# One deed changes several objects: a moment later all of them can be read at once.
SETTLE_SECONDS = 0.2
_AGAIN_SECONDS = 1.0


@dataclass
class Changes:
    """Listens, in a thread for each stream, until it is closed.

    ``streams`` take a watcher of the library and yield its events. A stream that ends is opened again; one that the
    API server refuses leaves ``deaf`` set, and whoever waits has to look for himself.
    """

    streams: t.Sequence[Stream]
    make_watcher: t.Callable[[], t.Any]
    deaf: bool = False
    _changed: threading.Event = field(default_factory=threading.Event)
    _closed: threading.Event = field(default_factory=threading.Event)
    _watchers: list[t.Any] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> t.Self:
        for stream in self.streams:
            watcher = self.make_watcher()
            self._watchers.append(watcher)
            thread = threading.Thread(target=self._listen, args=(stream, watcher), name="changes", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        for watcher in self._watchers:
            watcher.stop()
        for thread in self._threads:
            thread.join(timeout=1)

    def wait(self, seconds: float) -> bool:
        """Until something changed since the last wait, or ``seconds`` are over."""
        changed = self._changed.wait(max(0.0, seconds))
        if changed:
            time.sleep(min(SETTLE_SECONDS, max(0.0, seconds)))
            self._changed.clear()
        return changed

    def _listen(self, stream: Stream, watcher: t.Any) -> None:
        while not self._closed.is_set():
            try:
                for _event in stream(watcher):
                    self._changed.set()
            except Exception as exc:
                # Whatever the library makes of a connection that was cut: the next look at the cluster says why.
                self.deaf = self.deaf or getattr(exc, "status", None) == 403
                self._changed.set()
            # Also after an orderly end: a server that ends each stream at once must not be flooded.
            self._closed.wait(_AGAIN_SECONDS)
