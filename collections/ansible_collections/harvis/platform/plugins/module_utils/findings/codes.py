"""Registry of finding codes; docs, reports and SARIF rules are made from it.

A code is ``<AREA>-<WORD>`` and stays stable for ever: users accept, grep and link it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """How much a finding weighs; an ``ERROR`` stops what would come next."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Code:
    """One kind of finding: its stable name, default severity and a one-line title."""

    name: str
    severity: Severity
    title: str


def _error(name: str, title: str) -> Code:
    return Code(name, Severity.ERROR, title)


def _warning(name: str, title: str) -> Code:
    return Code(name, Severity.WARNING, title)


def _info(name: str, title: str) -> Code:
    return Code(name, Severity.INFO, title)


_ALL = (
    _error("RES-MEMORY", "The host has too little memory for the platform"),
    _error("RES-DISK", "A folder the platform writes to has too little free space"),
    _error("NET-PORT", "A port the platform needs is held by another program"),
    _error("NET-TLS", "A package registry's certificate is not trusted by this host"),
    _error("NET-REGISTRY", "A package registry cannot be reached"),
    _error("PLB-FOREIGN", "The host runs a cluster that is not ours"),
    _error("PLB-VERSION", "The wanted Kubernetes version cannot run on this host"),
    _error("PLB-INPUT", "A variable of the inventory cannot be used"),
    _error("PLB-PROCESS", "A program the platform runs failed"),
    _error("PLB-PAUSED", "A process of the platform is held by a signal"),
    _error("PLB-DAEMON", "A daemon of the platform does not run"),
    _error("PLB-CERTIFICATE", "A certificate of the cluster ran out, or will within days"),
    _error("PLB-LIBRARY", "A Python library that a module needs is missing"),
    _error("IMG-DOCKER", "Docker is present and cannot be used"),
    _error("IMG-BUILD", "An image or program could not be built"),
    _error("IMG-SOURCE", "The sources of an image cannot be read"),
    _error("IMG-ORIGIN", "None of the allowed ways to get an artefact worked"),
    _error("IMG-MISSING", "A cluster node does not see an image"),
    _error("IMG-DAEMON", "An image was left on a daemon that the cluster does not use"),
    _error("IMG-SPACE", "An image has no room on the disk that must take it"),
    _error("IMG-STALE", "A running image is not the one made from today's sources"),
    _error("VAL-SCHEMA", "A value is refused by the chart's schema"),
    _error("VAL-RENDER", "The chart cannot be rendered with these values"),
    _error("REL-FAILED", "The release could not be applied"),
    _error("REL-LOCKED", "Another operation on the release is in progress"),
    _error("REL-DRIFT", "Live objects differ from the release"),
    _error("REL-CLUSTER", "The cluster cannot be reached or refuses the request"),
    _error("ROL-TIMEOUT", "Pods did not become ready in time"),
    _error("ROL-RESTART", "A container restarted since its deployment"),
    _error("ROL-IMAGE", "A container's image cannot be had by its node"),
    _error("ROL-CRASH", "A container ends again and again"),
    _error("ROL-MEMORY", "A container was killed for its memory"),
    _error("ROL-CONFIG", "A container cannot be created from its specification"),
    _error("ROL-SCHEDULE", "No node takes a pod"),
    _error("ROL-VOLUME", "A pod's volume cannot be had"),
    _error("ROL-SANDBOX", "A node cannot set up a pod's network or sandbox"),
    _error("ROL-PROBE", "A container runs and does not pass its probe"),
    _error("ROL-EVICTED", "A pod was evicted from its node"),
    _error("ROL-NODE", "A pod's node is not ready"),
    _error("ROL-MISSING", "A workload has fewer pods than it asks for"),
    _error("ROL-LIMITS", "A container's live resources are not those of the values"),
    _error("GPU-COUNT", "The nodes offer fewer GPUs than the platform needs"),
    # The container runtime of a GPU host.
    _error("RUN-CLASS", "A pod that asks for a GPU would not start under the NVIDIA runtime"),
    _error("RUN-CONFIG", "A runtime's configuration cannot be edited or is not the one in use"),
    _error("RUN-RESTART", "A container daemon has not taken its configuration"),
    _error("RUN-ROLLBACK", "A container daemon did not serve with the new configuration"),
    _error("RUN-TOOLKIT", "The NVIDIA container toolkit is missing or does not work"),
    _error("KFK-UNREACHABLE", "The broker cannot be reached"),
    _error("KFK-DRIFT", "A topic differs from its description in a way that cannot be mended"),
    _error("KFK-REFUSED", "The broker refused to create or change a topic"),
    _error("PRB-CONTENT", "An endpoint answers something else than it promises"),
    _error("PRB-UNREACHABLE", "An endpoint does not answer"),
    _error("PRB-FAILED", "A check of the platform failed"),
    _error("PRB-DEGRADED", "An endpoint answers with less than it promises, and says so"),
    _error("PRB-SLOW", "An endpoint did not answer within its time limit"),
    _error("PRB-LEFTOVER", "A memory written by the verification could not be deleted"),
    # The audit of values: does each have the effect that its path promises?
    _warning("VAL-DEAD", "A value of the chart has no effect"),
    _error("VAL-IGNORED", "A value that the operator sets has no effect"),
    _error("VAL-PARTIAL", "A block is read in part and this value of it is left out"),
    _error("VAL-CROSSED", "A component is configured from another component's values"),
    _info("VAL-DORMANT", "A value has an effect only when another value switches it on"),
    _error("VAL-UNDEFINED", "A template prints a path that the values do not have"),
    _info("VAL-OPTIONAL", "A template can read a path that the values do not have"),
    _error("VAL-TYPO", "An operator's key is unknown to the chart"),
    _error("VAL-NESTED", "A block of values lies at the wrong depth"),
    _error("VAL-DUPLICATE", "A mapping has the same key twice"),
    _error("VAL-TYPE", "A value has another type than its default, and templates test it as the default's"),
    _error("VAL-FLOAT", "A large number is rendered in exponent notation"),
    _warning("VAL-FALSE", "`default` replaces a value of false or 0"),
    _warning("VAL-LIST", "An override of a list drops entries of the default"),
    _warning("VAL-OPEN", "The values' schema accepts unknown keys below its root"),
    _warning("VAL-RANDOM", "Rendering twice gives different objects"),
    _error("VAL-STALE", "The subchart in charts/ is not the one that the chart asks for"),
    _error("VAL-INPUT", "A chart, values or manifest file cannot be read safely"),
    _warning("VAL-ACCEPTED", "An acceptance matches no finding"),
    # The audit of manifests.
    _error("RES-LIMIT", "A container requests more than its limit"),
    _error("RES-NODE", "A pod asks for more than any node has"),
    _error("GPU-LIMIT", "A container requests a GPU without the same limit"),
    _error("GPU-POD", "A pod's containers together ask for more GPUs than there are"),
    _warning("GPU-EACH", "Containers of one pod ask for a GPU each and do not share one"),
    _warning("GPU-SURGE", "A rolling update needs a GPU that the old pod holds"),
    _error("NET-LOCALHOST", "An address names localhost, where nothing of the pod listens"),
    _error("NET-SERVICE", "An address names a Service that does not exist"),
    _error("NET-SERVICEPORT", "An address names a port that its Service does not offer"),
    _error("NET-SELECTOR", "A selector matches no pod"),
    _warning("NET-SHARED", "A Service selects pods of several workloads"),
    _error("NET-TARGETPORT", "A Service's target port is none of its pods' ports"),
    _error("NET-ADVERTISE", "An address pool is not advertised"),
    _error("ENV-MISSING", "A variable is read without a default and not provided"),
    _warning("ENV-UNREAD", "A variable is provided and never read"),
    _error("ENV-EMPTY", "A variable is provided empty where a value is needed"),
    _error("ENV-CONFLICT", "Two names for one setting disagree"),
    _error("ENV-TYPE", "The application's own transform rejects a variable's value"),
    _error("ENV-KEY", "A reference names a ConfigMap, Secret or key that is not there"),
    _warning("ENV-OPTIONAL", "`optional: true` hides a missing key"),
    _warning("ENV-SHADOWED", "One source of a variable silently beats another"),
    _warning("ENV-TWICE", "A variable stands twice in one list"),
    _warning("ENV-NAME", "A key taken as a variable is no identifier"),
    _warning("ENV-LINKS", "Kubernetes' service links set a variable that the program reads"),
    _warning("ENV-NEWLINE", "A Secret's value begins or ends with white space"),
    _error("ENV-MODULE", "The image starts a module that its sources do not have"),
    _error("ENV-IMPORT", "An import is satisfied neither by the sources nor by the requirements"),
    _error("ENV-PATH", "PYTHONPATH hides the shared code"),
    _warning("ENV-UNROLLED", "A change of configuration does not roll the pods that read it"),
    _error("ENV-CHECKSUM", "A checksum annotation does not change with the configuration"),
    _warning("ENV-SUBPATH", "A file mounted by subPath never updates"),
    _error("SEC-CONFIGMAP", "A secret lies in a ConfigMap"),
    _warning("SEC-PLAIN", "A secret lies in plain environment"),
    _warning("SEC-DEFAULT", "A password is left at the chart's default"),
    _warning("IMG-MUTABLE", "A mutable tag is pulled only when absent"),
    _error("PRB-NEVERFAILS", "A probe cannot fail"),
    _warning("PRB-STATUS", "A probe takes an HTTP error for success"),
    _warning("PRB-SLOWSTART", "A liveness probe can kill a slow start"),
    _info("PRB-SAME", "Readiness asks the same as liveness"),
    _warning("ROL-ZEROWAIT", "A rollout may be called done with no pod ready"),
    _warning("ROL-REPLICAS", "A workload fixes its replicas although an autoscaler owns them"),
    _error("REL-UNKNOWN", "The cluster's version does not know an object, a field or the form of a value"),
    _warning("KFK-POLL", "A message may be processed longer than the consumer may stay away"),
    _warning("KFK-OFFSET", "A new consumer group begins at the end of its topics"),
    _error("VEC-PATH", "A volume is mounted where the server does not write"),
    _warning("MDL-CONSENT", "A model asks for consent at its start, and nobody can answer"),
    _warning("GOP-VERSION", "A change of the chart without a new version is not applied"),
    _warning("GOP-DRIFT", "Drift of live objects is not detected"),
    _error("GOP-SUBSTITUTE", "Substitution blanks a variable of a script"),
    _warning("GOP-WAIT", "Applied is reported before anything works"),
    _warning("PLB-PIPE", "A pipe hides a failure"),
    _error("PLB-ENVIRONMENT", "A task sets environment that ends with the task"),
    _warning("PLB-SWALLOW", "A task turns a failure into ok"),
    # What charts ask of a host.
    _error("RES-SHARE", "The share of the host cannot hold what is asked for"),
    _error("GPU-VRAM", "The chosen models need more memory than the GPU has"),
    # GPUs of a host, from the bus to who uses them.
    _error("DRV-MISMATCH", "The loaded driver module and the installed library differ"),
    _error("GPU-ARCH", "A torch build has no code for the card"),
    _error("GPU-DRIVER", "A GPU has no driver"),
    _error("GPU-LOST", "A GPU fell off the bus"),
    _error("GPU-NOUVEAU", "The driver nouveau holds a GPU"),
    _error("GPU-PCI", "No NVIDIA GPU is on the PCI bus"),
    _warning("GPU-TENANT", "GPU memory is taken by a process that was granted no GPU"),
    _error("GPU-WHEEL", "An image for GPUs has a library built for CPUs alone"),
    # The device plugin and what its nodes offer.
    _error("PLG-PROMISED", "A GPU is promised to another pod"),
    _error("PLG-SHORT", "A node offers another number of GPUs than was counted there"),
    _error("PLG-SMOKE", "A pod that was given a GPU does not see it"),
    _error("PLG-STALE", "A change of time-slicing or MIG is not applied"),
    _error("PLG-UNHEALTHY", "A GPU is marked unhealthy and given to no pod"),
    _error("PLG-ZERO", "The device plugin offers no GPU"),
    # The driver of a GPU host.
    _error("DRV-BUILD", "The driver's kernel module does not compile for a kernel"),
    _error("DRV-CUDA", "The driver is too old for an image's CUDA"),
    _error("DRV-DISTRIBUTION", "The host's distribution is not known to the driver's installation"),
    _error("DRV-HEADERS", "A kernel has no headers to build the driver's module with"),
    _error("DRV-HOLD", "A held package contradicts the wanted driver"),
    _error("DRV-LOCKED", "Another program holds dpkg's lock"),
    _error("DRV-MODULE", "A kernel has no driver module that it can load"),
    _error("DRV-NETWORK", "The archive of the driver's packages cannot be reached"),
    _warning("DRV-REBOOT", "A reboot is needed before the driver is in effect"),
    _error("DRV-SECUREBOOT", "Secure Boot keeps the kernel from loading the driver's module"),
    _error("DRV-SIMULATED", "GPUs are to be simulated on a host that has one"),
    _error("DRV-VERSION", "The wanted driver is not in the archive"),
    # Green, and without the card.
    _error("GPU-FALLBACK", "A program that was granted a GPU computes on the CPU"),
    _warning("RUN-CHAR", "A reload of systemd would take the GPUs away from running containers"),
    # Releases: what stops one, and what Helm keeps silent about.
    _warning("REL-CRD", "A custom resource definition of the chart is newer than the cluster's"),
    _error("REL-HOOK", "A hook of the chart failed"),
    _error("REL-IMAGES", "A revision needs images that no node has any more"),
    _error("REL-IMMUTABLE", "A field changes that only a new object can have"),
    _error("REL-OWNED", "Something else owns what the release would write"),
    _warning("REL-PENDING", "A release was left in the middle by a run that is gone"),
    _warning("REL-REUSED", "New defaults of the chart were lost by --reuse-values"),
    _error("REL-REVISION", "There is no such revision to go back to"),
    _error("REL-TEST", "A test of the chart failed"),
    _error("RUN-MINIKUBE", "A minikube profile was started without GPUs"),
    # Why pods do not work, told from what they, their controllers, nodes and neighbours say.
    _error("ROL-IMPORT", "A program cannot import what it needs"),
    _error("ROL-INIT", "An init container does not end"),
    _error("ROL-QUOTA", "A quota refuses a workload's pods"),
    _error("ROL-WEBHOOK", "An admission webhook hinders a workload's pods"),
    _error("ROL-REVISION", "The pods of a workload's new revision do not take over"),
    _warning("ROL-PRESSURE", "A node is short of memory, disk or processes"),
    _error("ROL-CHILD", "A process inside a running container was killed for memory"),
    _warning("ROL-THROTTLE", "A container is held back by its CPU limit most of the time"),
    _error("IMG-GONE", "A node no longer has an image that nobody can give it again"),
    _error("NET-ENDPOINT", "A Service has no ready endpoint"),
    _error("NET-POLICY", "A NetworkPolicy keeps pods from what they need"),
    _error("NET-DNS", "A program cannot resolve a name"),
    _error("KFK-TOPIC", "A program uses a topic that the broker does not have"),
    _error("KFK-LAG", "A consumer group does not keep up"),
    _error("VEC-REFUSED", "The vector store refuses a program"),
    _error("MDL-MISSING", "A model is asked for that its server does not have"),
    # What is looked at before anything is deployed.
    _error("REL-EXPIRED", "The credentials of the kubeconfig are not valid at this time"),
    _error("REL-TERMINATING", "A namespace that a release needs is being deleted"),
    _error("REL-FOREIGN", "A name that a release needs belongs to somebody else"),
    _error("REL-RIGHTS", "The user of the kubeconfig may not do what a release needs"),
    # Others that bring the same objects to a description of theirs.
    _error("GOP-HOLLOW", "A GitOps object says Ready, and what it manages is not as it should be"),
    _error("GOP-MANAGED", "A GitOps tool manages what is to be changed, and would take the change back"),
    _error("GOP-SECRET", "A secret would be written where a GitOps object shows it"),
    _warning("GOP-SUSPENDED", "A GitOps object is suspended: its source is ignored"),
    _error("GOP-UNHANDLED", "No controller did what was written into a GitOps object"),
    _warning("GOP-UNDONE", "A GitOps tool was resumed, and takes the change back"),
)

CODES: dict[str, Code] = {code.name: code for code in _ALL}
