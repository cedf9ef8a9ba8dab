"""A cluster as the modules see it: objects by apiVersion and kind, read and written as dictionaries."""

from __future__ import annotations

import json
import socket
import tempfile
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.harvis.platform.plugins.module_utils.kube.changes import Changes, Kind, Stream
from ansible_collections.harvis.platform.plugins.module_utils.kube.errors import (
    ApiRefusal,
    as_findings,
    cluster_error,
)
from ansible_collections.harvis.platform.plugins.module_utils.kube.library import load_library
from ansible_collections.harvis.platform.plugins.module_utils.kube.objects import Object, ObjectRef

CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 60.0
ASK_SECONDS = 10.0
# The API server ends a watch then, and it is opened again.
WATCH_SECONDS = 300


class Cluster(t.Protocol):
    """What the concepts ask of a cluster; tests hand in one that lives in memory."""

    @property
    def version(self) -> str: ...

    @property
    def server(self) -> str: ...

    def get(self, ref: ObjectRef) -> Object | None: ...

    def find(
        self, api_version: str, kind: str, *, namespace: str = "", labels: str = "", fields: str = ""
    ) -> list[Object]: ...

    def create(self, body: Object) -> Object: ...

    def apply(self, body: Object, *, manager: str, dry_run: bool = False) -> Object: ...

    def patch(self, ref: ObjectRef, operations: list[dict[str, t.Any]], *, dry_run: bool = False) -> Object: ...

    def replace(self, body: Object) -> Object: ...

    def delete(self, ref: ObjectRef) -> bool: ...

    def namespaced(self, api_version: str, kind: str) -> bool: ...

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool = False,
        lines: int = 20,
        beginning: int = 0,
        since: int = 0,
    ) -> str: ...

    def ask(self, path: str) -> tuple[int, str]: ...

    def changes(self, kinds: t.Sequence[Kind], namespaces: t.Sequence[str]) -> Changes: ...


def connect(kubeconfig: str | None = None, context: str | None = None) -> KubeClient:
    """A client for one context of one kubeconfig (None: the library's own defaults).

    Raises ClusterError when the file, the context or the API server is not there.
    """
    load_library()
    from kubernetes import config
    from kubernetes.config.config_exception import ConfigException

    place = f"context {context or '(current)'} of {kubeconfig or 'the default kubeconfig'}"
    if kubeconfig and not Path(kubeconfig).expanduser().is_file():
        raise cluster_error(place, "the kubeconfig does not exist", fix="`make up` writes one; or name the right path.")
    try:
        library: t.Any = config
        api = library.new_client_from_config(kubeconfig and str(Path(kubeconfig).expanduser()), context=context)
    except ConfigException as exc:
        raise cluster_error(
            place, f"the kubeconfig cannot be used: {exc}", fix="Name a context that the file has."
        ) from exc
    host = str(api.configuration.host)
    place = f"{host} ({place})"
    if not api.configuration.proxy:
        _answers(host, place)
    return KubeClient(api, place)


def _answers(host: str, place: str) -> None:
    """A closed port is found at once: the library would retry, and wait for ever on a silent address."""
    url = urlsplit(host)
    try:
        with socket.create_connection((url.hostname or "", url.port or 443), timeout=CONNECT_SECONDS):
            return
    except OSError as exc:
        fix = "Start the cluster (`make up`), or name the right kubeconfig and context."
        raise cluster_error(place, "the API server cannot be reached", evidence=str(exc), fix=fix) from exc


class KubeClient:
    """``Cluster`` over the kubernetes library's dynamic client. Safe to share between threads."""

    def __init__(self, api: t.Any, place: str) -> None:
        from kubernetes import dynamic

        self.place = place
        library: t.Any = dynamic
        # The library keeps discovery in a file of predictable name that outlives the cluster it describes.
        # Ours is gone at once; what is found later stays in memory.
        with as_findings(place), tempfile.TemporaryDirectory(prefix="harvis-discovery-") as folder:
            self._dynamic: t.Any = library.DynamicClient(api, cache_file=str(Path(folder) / "resources.json"))

    @property
    def server(self) -> str:
        """The API server's address; ``place`` begins with it."""
        return self.place.partition(" ")[0]

    @property
    def version(self) -> str:
        """The API server's version, such as ``v1.34.4``."""
        return str(self._dynamic.version["kubernetes"]["gitVersion"])

    def get(self, ref: ObjectRef) -> Object | None:
        try:
            return self._call("get", ref)
        except ApiRefusal as exc:
            if exc.status == 404:
                return None
            raise

    def find(
        self, api_version: str, kind: str, *, namespace: str = "", labels: str = "", fields: str = ""
    ) -> list[Object]:
        with as_findings(self.place, f"list of {kind} in {namespace or 'all namespaces'}"):
            answer = self._dynamic.get(
                self._resource(api_version, kind),
                namespace=namespace or None,
                label_selector=labels or None,
                field_selector=fields or None,
                serialize=False,
                _request_timeout=REQUEST_SECONDS,
            )
        found: list[Object] = json.loads(answer.data)["items"]
        # Items of a list carry neither; whoever reads one alone needs both.
        return [{"apiVersion": api_version, "kind": kind, **item} for item in found]

    def create(self, body: Object) -> Object:
        return self._call("create", ObjectRef.of(body), body=body, field_manager="harvis")

    def apply(self, body: Object, *, manager: str, dry_run: bool = False) -> Object:
        """Server-side apply, taking over fields that others changed; unknown fields are refused."""
        return self._call(
            "server_side_apply",
            ObjectRef.of(body),
            body=body,
            field_manager=manager,
            force_conflicts=True,
            dry_run="All" if dry_run else None,
            query_params=[("fieldValidation", "Strict")],
        )

    def patch(self, ref: ObjectRef, operations: list[dict[str, t.Any]], *, dry_run: bool = False) -> Object:
        """JSON patch (RFC 6902)."""
        return self._call(
            "patch",
            ref,
            body=operations,
            name=ref.name,
            content_type="application/json-patch+json",
            field_manager="harvis",
            dry_run="All" if dry_run else None,
        )

    def patch_status(self, ref: ObjectRef, operations: list[dict[str, t.Any]]) -> Object:
        """JSON patch of what a controller or kubelet reports of an object of the whole cluster."""
        with as_findings(self.place, f"status of {ref}"):
            resource = self._resource(ref.api_version, ref.kind)
            answer = self._dynamic.request(
                "patch",
                f"{resource.path(name=ref.name)}/status",
                body=operations,
                content_type="application/json-patch+json",
                serialize=False,
                _request_timeout=REQUEST_SECONDS,
            )
        body: Object = json.loads(answer.data)
        return body

    def replace(self, body: Object) -> Object:
        """Write the whole object; with a resourceVersion in it, only if nobody else wrote since."""
        return self._call("replace", ObjectRef.of(body), body=body, field_manager="harvis")

    def delete(self, ref: ObjectRef) -> bool:
        """False when it was not there. Dependents go in the background, as with kubectl."""
        try:
            self._call("delete", ref, propagation_policy="Background")
        except ApiRefusal as exc:
            if exc.status == 404:
                return False
            raise
        return True

    def namespaced(self, api_version: str, kind: str) -> bool:
        with as_findings(self.place, f"{kind} ({api_version})"):
            return bool(self._resource(api_version, kind).namespaced)

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool = False,
        lines: int = 20,
        beginning: int = 0,
        since: int = 0,
    ) -> str:
        """The last lines; with ``beginning`` the first bytes instead, with ``since`` only those of so many seconds."""
        part = ("limitBytes", beginning) if beginning else ("tailLines", lines)
        query = [("container", container), part, ("previous", str(previous).lower())]
        query += [("sinceSeconds", since)] if since else []
        with as_findings(self.place, f"logs of Pod {namespace}/{pod}"):
            answer = self._dynamic.request(
                "get",
                f"/api/v1/namespaces/{namespace}/pods/{pod}/log",
                query_params=query,
                header_params={"Accept": "*/*"},
                serialize=False,
                _request_timeout=REQUEST_SECONDS,
            )
        return str(answer.data.decode(errors="replace"))

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text that the API server, or what it stands in for (a pod, a kubelet), answers under ``path``."""
        try:
            with as_findings(self.place, path):
                answer = self._dynamic.request(
                    "get", path, header_params={"Accept": "*/*"}, serialize=False, _request_timeout=ASK_SECONDS
                )
        except ApiRefusal as exc:
            return exc.status, exc.text
        return int(answer.status), str(answer.data.decode(errors="replace"))

    def changes(self, kinds: t.Sequence[Kind], namespaces: t.Sequence[str]) -> Changes:
        """What tells that objects of these kinds changed, from when it is entered."""
        from kubernetes import watch

        library: t.Any = watch
        streams = [self._stream(kind, namespace) for kind in kinds for namespace in namespaces]
        return Changes(streams, library.Watch)

    def _stream(self, kind: Kind, namespace: str) -> Stream:
        def listen(watcher: t.Any) -> t.Iterable[Object]:
            found: t.Iterable[Object] = self._dynamic.watch(
                self._resource(*kind), namespace=namespace, timeout=WATCH_SECONDS, watcher=watcher
            )
            return found

        return listen

    def _resource(self, api_version: str, kind: str) -> t.Any:
        # Without the prefix the library asks for the kinds of every group there is before it finds one of v1.
        prefix = "apis" if "/" in api_version else "api"
        return self._dynamic.resources.get(prefix=prefix, api_version=api_version, kind=kind)

    def _call(self, verb: str, ref: ObjectRef, **arguments: t.Any) -> Object:
        with as_findings(self.place, str(ref)):
            resource = self._resource(ref.api_version, ref.kind)
            if verb in ("get", "delete"):
                arguments["name"] = ref.name
            answer = getattr(self._dynamic, verb)(
                resource,
                namespace=ref.namespace or None,
                serialize=False,
                _request_timeout=REQUEST_SECONDS,
                **arguments,
            )
        body: Object = json.loads(answer.data)
        return body
