"""A Docker daemon, spoken to through Docker's own Python library."""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError, image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference, Upstream

if t.TYPE_CHECKING:
    import docker

DEFAULT_HOST = "unix:///var/run/docker.sock"
DAEMON_TIMEOUT = 900
REGISTRY_TIMEOUT = 5
CHUNK = 1 << 20


@dataclass(frozen=True)
class ImageOnDaemon:
    """``id`` is the digest of the image's config, empty where the daemon's store does not tell it.

    ``repo_digests`` are the manifests registries know it by.
    """

    id: str
    repo_digests: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


class Daemon(t.Protocol):
    """What this concept needs of a Docker daemon."""

    @property
    def host(self) -> str: ...
    def find(self, reference: Reference | str) -> ImageOnDaemon | None: ...
    def find_labelled(self, label: str) -> list[tuple[Reference, ImageOnDaemon]]: ...
    def store(self) -> Path | None: ...
    def save(self, references: t.Sequence[Reference], target: Path) -> None: ...
    def load(self, archive: Path) -> None: ...
    def tag(self, source: str, reference: Reference) -> None: ...
    def registry_digest(self, name: str, auth: dict[str, str] | None = None) -> str | None: ...
    def pull(self, upstream: Upstream, reference: Reference) -> None: ...
    def push(self, reference: Reference, auth: dict[str, str] | None) -> None: ...
    def import_rootfs(self, rootfs: Path, reference: Reference, changes: t.Sequence[str]) -> None: ...


@dataclass(frozen=True)
class DockerDaemon:
    """The real thing. One of them serves one thread."""

    # A docker.APIClient; its stubs leave half of it untyped.
    api: t.Any
    host: str

    def find(self, reference: Reference | str) -> ImageOnDaemon | None:
        from docker.errors import ImageNotFound

        try:
            found = self.api.inspect_image(str(reference))
        except ImageNotFound:
            return None
        return self._on_daemon(found["Id"], found.get("RepoDigests"), (found.get("Config") or {}).get("Labels"))

    def find_labelled(self, label: str) -> list[tuple[Reference, ImageOnDaemon]]:
        found = self.api.images(filters={"label": label})
        return [
            (Reference.parse(tag), self._on_daemon(image["Id"], image.get("RepoDigests"), image.get("Labels")))
            for image in found
            for tag in image.get("RepoTags") or ()
            if tag != "<none>:<none>"
        ]

    def store(self) -> Path | None:
        """The folder of a daemon on this machine that keeps images in its own way, with overlay2; else None."""
        if not self.host.startswith("unix://"):
            return None
        said = self.api.info()
        return Path(said["DockerRootDir"]) if said.get("Driver") == "overlay2" else None

    def save(self, references: t.Sequence[Reference], target: Path) -> None:
        """Write one archive of all ``references``, in which a layer they share lies once."""
        api = self.api
        url = f"{api.base_url}/v{api.api_version}/images/get"
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        try:
            with _daemon_errors(self.host, f"save {references[0]}"):
                answer = api.get(url, params={"names": list(map(str, references))}, stream=True, timeout=DAEMON_TIMEOUT)
                answer.raise_for_status()
                with partial.open("wb") as sink:
                    for chunk in answer.iter_content(CHUNK):
                        sink.write(chunk)
            # A killed run must not leave half an archive under the final name.
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def load(self, archive: Path) -> None:
        with _daemon_errors(self.host, f"load {archive}"), archive.open("rb") as source:
            list(self.api.load_image(source))

    def tag(self, source: str, reference: Reference) -> None:
        with _daemon_errors(self.host, f"tag {reference}"):
            self.api.tag(source, reference.repository, reference.tag, force=True)

    def registry_digest(self, name: str, auth: dict[str, str] | None = None) -> str | None:
        """The manifest digest that ``name`` has on its registry, as the daemon sees it; None without an answer.

        The daemon is asked, not the registry: its proxies, CAs and credentials are the ones a pull would use.
        """
        from docker.auth import encode_header
        from requests.exceptions import RequestException

        api = self.api
        headers = {"X-Registry-Auth": encode_header(auth)} if auth else {}
        url = f"{api.base_url}/v{api.api_version}/distribution/{name}/json"
        try:
            answer = api.get(url, headers=headers, timeout=REGISTRY_TIMEOUT)
            answer.raise_for_status()
        except RequestException:
            return None
        return str(answer.json()["Descriptor"]["digest"])

    def pull(self, upstream: Upstream, reference: Reference) -> None:
        with _daemon_errors(self.host, f"pull {upstream}"):
            self.api.pull(upstream.repository, tag=f"sha256:{upstream.digest}")
        self.tag(str(upstream), reference)

    def push(self, reference: Reference, auth: dict[str, str] | None) -> None:
        with _daemon_errors(self.host, f"push {reference}"):
            for event in self.api.push(reference.repository, reference.tag, stream=True, decode=True, auth_config=auth):
                if "error" in event:
                    cause = f"the registry did not take the image: {event['error']}"
                    fix = "Check the registry's address, its certificate and the credentials."
                    raise image_error("NET-REGISTRY", str(reference), cause, fix=fix)

    def import_rootfs(self, rootfs: Path, reference: Reference, changes: t.Sequence[str]) -> None:
        with _daemon_errors(self.host, f"import {reference}"), rootfs.open("rb") as source:
            api = self.api
            params = {"fromSrc": "-", "repo": reference.repository, "tag": reference.tag, "changes": list(changes)}
            answer = api.post(
                f"{api.base_url}/v{api.api_version}/images/create",
                params=params,
                data=source,
                headers={"Content-Type": "application/tar"},
                timeout=DAEMON_TIMEOUT,
            )
            answer.raise_for_status()
            if self.find(reference) is None:
                raise image_error("IMG-BUILD", str(reference), "Docker did not import it", evidence=answer.text[-500:])

    @functools.cached_property
    def _ids_are_configs(self) -> bool:
        """False where Docker keeps images in containerd's store: their IDs are digests of manifests there."""
        status = self.api.info().get("DriverStatus") or ()
        return not any(entry == ["driver-type", "io.containerd.snapshotter.v1"] for entry in status)

    def _on_daemon(self, identifier: str, repo_digests: t.Any, labels: t.Any) -> ImageOnDaemon:
        config = identifier if self._ids_are_configs else ""
        return ImageOnDaemon(config, tuple(repo_digests or ()), tuple(sorted((labels or {}).items())))


def connect(host: str | None = None, environment: t.Mapping[str, str] | None = None) -> DockerDaemon:
    """A daemon that answered.

    ``environment`` holds DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; ``host`` overrules it.
    Raises IMG-DOCKER when no daemon can be used.
    """
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    settings = dict(os.environ if environment is None else environment)
    settings["DOCKER_HOST"] = host or settings.get("DOCKER_HOST") or DEFAULT_HOST
    try:
        api = _make_api(version="auto", timeout=DAEMON_TIMEOUT, **kwargs_from_env(environment=settings))
        api.ping()
    except DockerException as exc:
        raise _unusable(settings["DOCKER_HOST"], exc) from exc
    return DockerDaemon(api, settings["DOCKER_HOST"])


def _make_api(**settings: t.Any) -> docker.APIClient:
    import docker

    class Api(docker.APIClient):
        """Trusts the daemon's own CA, whatever the environment says.

        requests prefers REQUESTS_CA_BUNDLE to a session's CA (psf/requests#3829). That variable is set behind every
        proxy that intercepts TLS, and would make each daemon that has its own CA unusable there.
        """

        def merge_environment_settings(
            self, url: t.Any, proxies: t.Any, stream: t.Any, verify: t.Any, cert: t.Any
        ) -> t.Any:
            verify = self.verify if verify is None else verify
            return super().merge_environment_settings(url, proxies, stream, verify, cert)

    return Api(**settings)


def _unusable(host: str, exc: Exception) -> ImageError:
    text = str(exc)
    if "Permission denied" in text:
        cause = "this user has no rights on Docker's socket"
        fix = "Run the task with become, or add the user to the group docker and log in again."
    elif "No such file" in text or "Connection refused" in text:
        cause = "no daemon answers there"
        fix = "Start Docker, or correct docker_host."
    else:
        cause = "the daemon cannot be used"
        fix = "Check docker_host and its certificates."
    return image_error("IMG-DOCKER", host, cause, evidence=text, fix=fix)


@contextlib.contextmanager
def _daemon_errors(host: str, action: str) -> t.Iterator[None]:
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except (DockerException, RequestException) as exc:
        fix = "Look at the daemon's log and at the free disk space."
        raise image_error("IMG-DOCKER", host, f"could not {action}", evidence=str(exc), fix=fix) from exc
