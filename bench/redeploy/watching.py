"""When the first new pod of a workload is Ready, as the API server tells it."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t


class ReadyWatch:
    """``seconds`` after ``began`` at which a pod that was not there before became Ready; None while there is none."""

    def __init__(self, kubeconfig: str, namespace: str, workload: str) -> None:
        from kubernetes import client, config

        library: t.Any = config
        api = library.new_client_from_config(kubeconfig)
        core: t.Any = client
        self._core = core.CoreV1Api(api)
        self._namespace, self._workload = namespace, workload
        self._before = {pod.metadata.uid for pod in self._pods()}
        self._done = threading.Event()
        self.ready_at: float | None = None

    def __enter__(self) -> ReadyWatch:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._done.set()
        self._thread.join(timeout=20)

    def wait(self, seconds: float) -> float | None:
        self._thread.join(timeout=seconds)
        return self.ready_at

    def _pods(self) -> list[t.Any]:
        found = self._core.list_namespaced_pod(self._namespace).items
        return [pod for pod in found if pod.metadata.name.startswith(f"{self._workload}-")]

    def _run(self) -> None:
        from kubernetes import watch

        library: t.Any = watch
        while not self._done.is_set() and self.ready_at is None:
            with contextlib.suppress(Exception):  # a watch that ends is opened again
                for event in library.Watch().stream(
                    self._core.list_namespaced_pod, self._namespace, timeout_seconds=10
                ):
                    if self._is_new_and_ready(event["object"]):
                        self.ready_at = time.monotonic()
                        return
                    if self._done.is_set():
                        return

    def _is_new_and_ready(self, pod: t.Any) -> bool:
        if not pod.metadata.name.startswith(f"{self._workload}-") or pod.metadata.uid in self._before:
            return False
        conditions = pod.status.conditions or []
        return any(c.type == "Ready" and c.status == "True" for c in conditions) and not pod.metadata.deletion_timestamp
