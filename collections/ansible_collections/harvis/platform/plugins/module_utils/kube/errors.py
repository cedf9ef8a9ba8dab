"""The library's exceptions, turned into findings that name the cluster, the cause and the fix."""

from __future__ import annotations

import contextlib
import json
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError, fail


class ClusterError(HarvisError):
    """The cluster cannot be reached or refuses the request."""


class ApiRefusal(ClusterError):
    """The API server answered, with an error; ``status`` is HTTP's, ``reason`` Kubernetes' own word.

    ``text`` is the answer as it came, which may be that of a pod behind the API server.
    """

    def __init__(self, subject: str, status: int, reason: str, message: str, fix: str = "", *, text: str = "") -> None:
        super().__init__(*fail("REL-CLUSTER", subject, message, evidence=f"HTTP {status} {reason}", fix=fix).findings)
        self.status = status
        self.reason = reason
        self.message = message
        self.text = text


class UnknownKind(ClusterError):
    """The cluster does not serve this apiVersion and kind, for example because its CRD is not installed."""


_FIXES = {
    401: "The credentials of this context are not valid (any more): get a fresh kubeconfig for the cluster.",
    403: "Give the user of this context the verb on the resource that the message names, or use another context.",
}


def cluster_error(place: str, cause: str, *, evidence: str = "", fix: str = "") -> ClusterError:
    """A ``REL-CLUSTER`` finding about a whole cluster."""
    return ClusterError(*fail("REL-CLUSTER", place, cause, evidence=evidence, fix=fix).findings)


def refusal(subject: str, error: t.Any) -> ApiRefusal:
    """From the library's ``ApiException``: its body is a ``Status`` object with the words that matter."""
    try:
        answer = json.loads(error.body)
    except (TypeError, ValueError):
        answer = {}
    # What a pod answers through the API server may be any JSON.
    status: dict[str, t.Any] = answer if isinstance(answer, dict) else {}
    message = str(status.get("message") or error.reason or "no message")
    return ApiRefusal(
        subject,
        int(error.status or 0),
        str(status.get("reason") or ""),
        message,
        _FIXES.get(error.status, ""),
        text=_text(error.body),
    )


def _text(body: t.Any) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")


@contextlib.contextmanager
def as_findings(place: str, subject: str = "") -> t.Iterator[None]:
    """Let nothing of the library's own exceptions out."""
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic.exceptions import ResourceNotFoundError
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as exc:
        raise refusal(subject or place, exc) from exc
    except ResourceNotFoundError as exc:
        finding = fail("REL-CLUSTER", subject or place, "the cluster does not serve this kind", evidence=str(exc))
        raise UnknownKind(*finding.findings) from exc
    except HTTPError as exc:
        raise unreachable(place, exc) from exc


def unreachable(place: str, error: Exception) -> ClusterError:
    """The request found no API server; the innermost reason is the one worth reading."""
    reason = getattr(error, "reason", None) or error
    fix = "Start the cluster (`make up`), or name the right kubeconfig and context."
    if "CERTIFICATE_VERIFY_FAILED" in str(reason):
        fix = "The kubeconfig's certificate authority is not this cluster's: fetch the kubeconfig again."
    return cluster_error(place, "the API server cannot be reached", evidence=str(reason), fix=fix)
