"""The faults: how each is made, and by which word of its output ``verify.yml`` must name it."""

from __future__ import annotations

import datetime as dt
import json
import typing as t
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from harness import Platform

Act = t.Callable[[Platform], None]


@dataclass(frozen=True)
class Fault:
    """``expects`` are codes or rows of which ``verify.yml`` must say one, or nothing where it heals by itself.

    ``person`` is what recover.yml must not do, with the words for it; ``tidy`` removes what was used to make it.
    ``refused`` is the code by which recover.yml must say that it can't go on before that person acts.
    """

    name: str
    act: Act
    expects: tuple[str, ...] = ()
    person: tuple[str, Act] | None = None
    refused: str = ""
    tidy: Act | None = None
    seconds: float = 120
    # How long to look on before anybody asks: what a kubelet or a controller takes to notice.
    noticed: float = 0


def delete_pods(namespace: str, label: str) -> Act:
    return lambda p: _run(p, "delete", "pod", "-n", namespace, "-l", label, "--wait=false", "--force")


def _run(p: Platform, *arguments: str) -> None:
    p.kubectl(*arguments)


def kubectl(*arguments: str) -> Act:
    return lambda p: _run(p, *arguments)


def patch(kind: str, name: str, namespace: str, change: dict[str, t.Any], how: str = "merge") -> Act:
    return kubectl("patch", kind, name, "-n", namespace, "--type", how, "-p", json.dumps(change))


def signal(name: str, word: str) -> Act:
    return lambda p: p.signal(name, word)


def then(*acts: Act) -> Act:
    def all_of_them(p: Platform) -> None:
        for act in acts:
            act(p)

    return all_of_them


def apply(body: dict[str, t.Any]) -> Act:
    return lambda p: _applied(p, body)


def _applied(p: Platform, body: dict[str, t.Any]) -> None:
    p.kubectl("apply", "-f", "-", stdin=json.dumps(body))


COMPONENT = "app.kubernetes.io/component"
DAEMONS = {
    "kubelet": "/bin/kubelet",
    "containerd": "/usr/bin/containerd --config",
    "dockerd": "/usr/sbin/dockerd",
    "supervisord": "supervisor/supervisord.conf",
}
STATIC = {
    "etcd": "etcd --advertise-client-urls",
    "API server": "kube-apiserver --advertise-address",
    "controller manager": "kube-controller-manager --",
    "scheduler": "kube-scheduler --",
}
SERVERS = {
    "broker": "kafka.Kafka",
    "vector store": "qdrant",
    "Ollama": "ollama serve",
    "back end": "uvicorn",
    "worker": "vhm_resonance",
}
PODS = {
    "indexer": ("vhm", f"{COMPONENT}=indexer"),
    "resonance": ("vhm", f"{COMPONENT}=resonance"),
    "reteller": ("vhm", f"{COMPONENT}=reteller"),
    "broker": ("vhm", f"{COMPONENT}=kafka"),
    "vector store": ("vhm", f"{COMPONENT}=qdrant"),
    "back end with Ollama": ("ai-agents", f"{COMPONENT}=backend"),
    "DNS": ("kube-system", "k8s-app=kube-dns"),
    "proxy": ("kube-system", "k8s-app=kube-proxy"),
}


def _tag(p: Platform, source: str, target: str) -> None:
    ctr = "ctr -a /run/harvis/containerd/containerd.sock -n k8s.io images"
    p.shell(f'{ctr} tag --force "$1" "$2" >/dev/null', source, target)


def _image(p: Platform, name: str, namespace: str = "vhm") -> str:
    return str(p.get("deployment", name, "-n", namespace)["spec"]["template"]["spec"]["containers"][0]["image"])


def wrong_image(p: Platform) -> None:
    """The indexer's image under the name of the reteller's, and a new pod that starts from it."""
    _tag(p, _image(p, "indexer"), _image(p, "reteller"))
    delete_pods("vhm", f"{COMPONENT}=reteller")(p)


def lost_image(p: Platform) -> None:
    ctr = "ctr -a /run/harvis/containerd/containerd.sock -n k8s.io images"
    p.shell(f'{ctr} rm --sync "$1" >/dev/null', _image(p, "reteller"))
    delete_pods("vhm", f"{COMPONENT}=reteller")(p)


INGEST = "/var/lib/harvis/containerd/io.containerd.content.v1.content/ingest"


def full_image_store(p: Platform) -> None:
    """No room where containerd writes what it takes in, and an image that it has to take in again."""
    p.shell(f"mount -t tmpfs -o size=512k tmpfs {INGEST}")
    lost_image(p)


def room_in_image_store(p: Platform) -> None:
    p.shell(f"umount --lazy {INGEST}")


# Where nobody listens on the node itself.
SILENT_REGISTRY = "127.0.0.1:5999/vhm-indexer:1"


def from_silent_registry(p: Platform) -> None:
    container = {"name": "indexer", "image": SILENT_REGISTRY, "imagePullPolicy": "Always"}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    patch("deployment", "indexer", "vhm", change, "strategic")(p)


def delete_topic(name: str) -> Act:
    def act(p: Platform) -> None:
        # It must outlive its answer.
        admin = AdminClient({"bootstrap.servers": p.broker})
        (deleted,) = admin.delete_topics([name]).values()
        deleted.result(30)

    return act


def expire_certificate(p: Platform) -> None:
    """The API server's own certificate, signed by the same authority, that ended yesterday."""
    folder = "/etc/kubernetes/pki"
    old = x509.load_pem_x509_certificate(p.shell(f"cat {folder}/apiserver.crt").encode())
    key = serialization.load_pem_private_key(p.shell(f"cat {folder}/ca.key").encode(), None)
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(
        issuer_name=old.issuer,
        subject_name=old.subject,
        public_key=old.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - dt.timedelta(days=366),
        not_valid_after=now - dt.timedelta(days=1),
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    ended = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    p.shell('printf %s "$1" > /etc/kubernetes/pki/apiserver.crt', ended)
    p.signal("KILL", STATIC["API server"])


def answer_html(p: Platform) -> None:
    """Whatever the back end is asked, a page for people answers with status 200."""
    code = (
        "import http.server as s\n"
        "class H(s.BaseHTTPRequestHandler):\n"
        " def do_GET(self):\n"
        "  self.send_response(200); self.send_header('Content-Type', 'text/html'); self.end_headers()\n"
        "  self.wfile.write(b'<html><body>Please log in</body></html>')\n"
        " do_POST = do_GET\n"
        "s.ThreadingHTTPServer(('', 8000), H).serve_forever()\n"
    )
    container = {
        "name": "web",
        "image": _image(p, "indexer"),
        "imagePullPolicy": "Never",
        "command": ["python3", "-c", code],
        "ports": [{"name": "http", "containerPort": 8000}],
    }
    metadata = {"name": "login-page", "namespace": "ai-agents", "labels": {"app": "login-page"}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    _applied(p, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    p.kubectl("wait", "-n", "ai-agents", "pod/login-page", "--for=condition=Ready", "--timeout=60s")
    select = [{"op": "replace", "path": "/spec/selector", "value": {"app": "login-page"}}]
    p.kubectl("patch", "service", "harvis-backend", "-n", "ai-agents", "--type", "json", "-p", json.dumps(select))


def full_volume(p: Platform) -> None:
    """A small file system in the place of the vector store's volume, with its data in it, and no room left.

    The store reserves room for its logs when it starts, in files that take less on the disk than they say.
    """
    p.kubectl("scale", "statefulset/qdrant", "-n", "vhm", "--replicas=0")
    p.kubectl("wait", "-n", "vhm", "pod/qdrant-0", "--for=delete", "--timeout=90s")
    p.shell(
        "v=/var/lib/harvis/volumes/qdrant; s=$(du -sm --apparent-size $v | cut -f1); cp -a $v /tmp/kept;"
        " mount -t tmpfs -o size=$((s + 80))m tmpfs $v; cp -a /tmp/kept/. $v/; chown 10001:10001 $v; rm -r /tmp/kept"
    )
    p.kubectl("scale", "statefulset/qdrant", "-n", "vhm", "--replicas=1")
    p.kubectl("rollout", "status", "-n", "vhm", "statefulset/qdrant", "--timeout=90s")
    p.shell("dd if=/dev/zero of=/var/lib/harvis/volumes/qdrant/filler bs=64k 2>/dev/null || true")


def room_again(p: Platform) -> None:
    p.shell("umount --lazy /var/lib/harvis/volumes/qdrant")
    delete_pods("vhm", f"{COMPONENT}=qdrant")(p)


def stuck_namespace(p: Platform) -> None:
    held = {"name": "held", "namespace": "vhm", "finalizers": ["example.org/nobody-removes-this"]}
    _applied(p, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
    p.kubectl("delete", "namespace", "vhm", "--wait=false")


def release_namespace(p: Platform) -> None:
    p.kubectl("patch", "configmap", "held", "-n", "vhm", "--type", "merge", "-p", '{"metadata":{"finalizers":null}}')
    p.kubectl("wait", "namespace/vhm", "--for=delete", "--timeout=120s")


QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "none", "namespace": "vhm"},
    "spec": {"hard": {"pods": "0"}},
}
WEBHOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "nobody-answers"},
    "webhooks": [
        {
            "name": "nobody.answers.example.org",
            "clientConfig": {"service": {"name": "gone", "namespace": "default", "path": "/"}},
            "rules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["pods"],
                    "scope": "*",
                }
            ],
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 2,
        }
    ],
}


def cordon(p: Platform) -> None:
    (node,) = (each["metadata"]["name"] for each in p.get("nodes")["items"])
    p.kubectl("cordon", node)
    delete_pods("vhm", f"{COMPONENT}=indexer")(p)


def uncordon(p: Platform) -> None:
    (node,) = (each["metadata"]["name"] for each in p.get("nodes")["items"])
    p.kubectl("uncordon", node)


def limit(resource: dict[str, str]) -> Act:
    container = {"name": "resonance", "resources": {"limits": resource, "requests": resource}}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    return patch("deployment", "resonance", "vhm", change, "strategic")


FAULTS: tuple[Fault, ...] = (
    *(Fault(f"pod of {name} deleted", delete_pods(*where)) for name, where in PODS.items()),
    *(Fault(f"{name} killed", signal("KILL", word)) for name, word in DAEMONS.items() if name != "supervisord"),
    Fault("supervisord killed", signal("KILL", DAEMONS["supervisord"]), ("PLB-DAEMON",)),
    *(Fault(f"{name} killed", signal("KILL", word), noticed=5) for name, word in STATIC.items()),
    *(Fault(f"{name} killed", signal("KILL", word), ("ROL-RESTART",), noticed=5) for name, word in SERVERS.items()),
    *(Fault(f"{name} held (SIGSTOP)", signal("STOP", word), ("PLB-PAUSED",)) for name, word in DAEMONS.items()),
    Fault("etcd held (SIGSTOP)", signal("STOP", STATIC["etcd"]), ("PLB-PAUSED",)),
    *(Fault(f"{name} held (SIGSTOP)", signal("STOP", word), ("PLB-PAUSED",)) for name, word in SERVERS.items()),
    Fault(
        "ConfigMap of the workers edited by hand",
        then(
            patch("configmap", "vhm-config", "vhm", {"data": {"KAFKA_BOOTSTRAP": "kafka.elsewhere:9092"}}),
            kubectl("rollout", "restart", "-n", "vhm", "deployment/reteller"),
        ),
        ("drift",),
        noticed=10,
    ),
    Fault(
        "key of a ConfigMap removed",
        patch("configmap", "vhm-config", "vhm", {"data": {"QDRANT_URL": None}}),
        ("drift",),
    ),
    Fault("topic deleted", delete_topic("recall-request"), ("KFK-TOPIC", "topics")),
    Fault("memory limit far too small", limit({"memory": "24Mi"}), ("ROL-MEMORY", "ROL-CRASH"), noticed=20),
    Fault("limit that no node has", limit({"memory": "900Gi"}), ("ROL-SCHEDULE", "ROL-REVISION"), noticed=5),
    Fault("another image under a good tag", wrong_image, ("IMG-STALE",), noticed=10),
    Fault("image removed from the node", lost_image, ("ROL-IMAGE", "IMG-GONE"), noticed=10),
    Fault(
        "disk of the image store full",
        full_image_store,
        ("ROL-IMAGE", "IMG-GONE"),
        ("makes room", room_in_image_store),
        refused="IMG-SPACE",
        noticed=10,
    ),
    Fault("registry down", from_silent_registry, ("ROL-IMAGE",), noticed=10),
    Fault(
        "deployment scaled to nothing", kubectl("scale", "-n", "vhm", "deployment/indexer", "--replicas=0"), ("drift",)
    ),
    Fault("deployment deleted", kubectl("delete", "-n", "vhm", "deployment/resonance"), ("drift",)),
    Fault("Service deleted", kubectl("delete", "-n", "vhm", "service/qdrant"), ("drift",)),
    Fault(
        "the back end's Service answers HTML",
        answer_html,
        ("PRB-CONTENT",),
        tidy=kubectl("delete", "pod", "-n", "ai-agents", "login-page", "--wait=true"),
    ),
    Fault(
        "DNS scaled to nothing",
        kubectl("scale", "-n", "kube-system", "deployment/coredns", "--replicas=0"),
        ("PLB-DAEMON",),
        noticed=5,
    ),
    Fault(
        "quota of no pods",
        then(apply(QUOTA), delete_pods("vhm", f"{COMPONENT}=indexer")),
        ("ROL-QUOTA",),
        ("deletes the quota", kubectl("delete", "-n", "vhm", "resourcequota/none")),
        noticed=10,
    ),
    Fault(
        "webhook that nobody serves",
        then(apply(WEBHOOK), delete_pods("vhm", f"{COMPONENT}=indexer")),
        ("ROL-WEBHOOK",),
        ("deletes the webhook", kubectl("delete", "validatingwebhookconfiguration/nobody-answers")),
        noticed=10,
    ),
    Fault("node cordoned and a pod deleted", cordon, ("ROL-SCHEDULE",), ("uncordons the node", uncordon), noticed=5),
    Fault("certificate of the API server expired", expire_certificate, ("PLB-CERTIFICATE",), noticed=10),
    Fault("volume of the vector store full", full_volume, ("VEC-REFUSED", "PRB-"), ("gives it room", room_again)),
    Fault(
        "namespace that does not end",
        stuck_namespace,
        ("REL-TERMINATING",),
        ("removes the finalizer", release_namespace),
        noticed=10,
    ),
)
