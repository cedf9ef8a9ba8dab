"""The tests that a chart brings along (``helm test``), and the last words of those that fail."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.kube import Cluster, ClusterError
from ansible_collections.harvis.platform.plugins.module_utils.release.errors import ReleaseError
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.manifest import HOOK_ANNOTATION, Manifest
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec


def run_tests(spec: ReleaseSpec, helm: Helm, cluster: Cluster, manifest: Manifest) -> None:
    """Raises ReleaseError (REL-TEST) when one fails; the release stays as it is."""
    # Not with helm's own --logs: it fails for tests that passed and are no pods.
    result = helm.test(spec)
    if result.rc:
        evidence = "\n".join(filter(None, [result.stdout.strip(), result.stderr.strip(), *_logs(cluster, manifest)]))
        fix = "The release is applied and stays. Mend what the test names, or go back with rollback_to: verified."
        subject = f"release {spec.namespace}/{spec.name}"
        raise ReleaseError(Finding("REL-TEST", subject, "the chart's tests failed", evidence, fix))


def _logs(cluster: Cluster, manifest: Manifest) -> t.Iterator[str]:
    for ref, item in manifest.hooks.items():
        if ref.kind != "Pod" or "test" not in str(item.body["metadata"]["annotations"][HOOK_ANNOTATION]):
            continue
        for container in item.body["spec"].get("containers") or []:
            # Its hook-delete-policy may have taken it away.
            with contextlib.suppress(ClusterError):
                text = cluster.logs(ref.namespace, ref.name, str(container["name"])).strip()
                yield f"last log lines of {ref.name}/{container['name']}:\n{text}"
