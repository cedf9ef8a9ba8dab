"""Secrets in plain sight. No finding ever quotes a value."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.addresses import SETTINGS_ENDINGS
from ansible_collections.harvis.platform.plugins.module_utils.manifest.config import config_data, key_pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import effective_environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import KubernetesObject, pointer
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.secrecy import (
    holds_secret,
    is_password_name,
    is_secret_name,
    is_well_known,
)

_LINE = re.compile(r"^\s*(?:-\s+)?[\"']?(?P<name>[A-Za-z_][\w.-]*)[\"']?\s*(?::\s|=)\s*(?P<value>[^\s#].*?),?\s*$")
_FLAG = re.compile(r"^--?(?P<name>[A-Za-z][\w.-]*)(?:=(?P<value>.+))?$", re.DOTALL)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
_TO_SECRET = "Move it to a Secret and take it by secretKeyRef, envFrom or a volume."
# Where a value arrives that is the secret itself, and not the name of a Secret.
_ARRIVES = re.compile(r"/(?:data|stringData)/|/env/\d+/value$|/(?:args|command)/\d+$")


def secrets_in_configmaps(subject: AuditSubject) -> t.Iterator[Finding]:
    """SEC-CONFIGMAP: whoever may read ConfigMaps, and that is nearly everybody, reads it."""
    names = {o.name for o in subject.objects.of_kind("Secret")}
    for config in subject.objects.of_kind("ConfigMap"):
        for key, value in config_data(config).items():
            if value and value not in names:
                yield from _in_configmap(config, key, value)


def secrets_in_environment(subject: AuditSubject) -> t.Iterator[Finding]:
    """SEC-PLAIN: it is in the pod's specification, for everybody who may look at pods, and in `ps` when an argument."""
    names = {o.name for o in subject.objects.of_kind("Secret")}
    for pod in pods(subject.objects):
        for container in pod.containers():
            for name, variable in effective_environment(subject.objects, container).variables.items():
                written = variable.written or ""
                why = holds_secret(name, written) if variable.source.kind == "value" and written not in names else ""
                if why:
                    place = container.place(variable.source.pointer + "/value")
                    cause = f"variable {name} of container {container.name} is written in the pod's specification"
                    yield Finding.at("SEC-PLAIN", place, cause, evidence=why, fix=_TO_SECRET)
            yield from _in_arguments(container)


def default_passwords(subject: AuditSubject) -> t.Iterator[Finding]:
    """SEC-DEFAULT: everybody who can read the chart knows the password."""
    for leaf in subject.leaves.values():
        if not leaf.override and _is_default_password(leaf, subject):
            cause = f"{leaf.name} is left at the default that is printed in the chart"
            fix = f"Set {leaf.name} in your own values, or let the chart take an existing Secret."
            place = Place(leaf.file, leaf.line, leaf.name)
            yield Finding.at("SEC-DEFAULT", place, cause, evidence="the value is not empty", fix=fix)
    for secret in subject.objects.of_kind("Secret") if subject.chart is None else ():
        for key, value in config_data(secret).items():
            if is_secret_name(key) and is_well_known(value or ""):
                cause = f"key {key} of Secret {secret.name} is a password that everybody tries first"
                place = secret.place(key_pointer(secret, key))
                yield Finding.at("SEC-DEFAULT", place, cause, fix="Generate one, and keep it out of the repository.")


def _in_configmap(config: KubernetesObject, key: str, value: str) -> t.Iterator[Finding]:
    place = config.place(key_pointer(config, key))
    if _PRIVATE_KEY.search(value):
        cause = f"key {key} of ConfigMap {config.name} holds a private key"
        yield Finding.at("SEC-CONFIGMAP", place, cause, fix=_TO_SECRET)
        return
    if "\n" not in value.strip():
        why = holds_secret(key, value)
        if why:
            cause = f"key {key} of ConfigMap {config.name} is a secret"
            yield Finding.at("SEC-CONFIGMAP", place, cause, evidence=why, fix=_TO_SECRET)
        return
    if not key.endswith(SETTINGS_ENDINGS):
        return
    for number, line in enumerate(value.splitlines(), 1):
        match = _LINE.match(line)
        why = holds_secret(match["name"], match["value"]) if match else ""
        if match and why:
            cause = f"line {number} of {key} in ConfigMap {config.name} sets {match['name']}"
            fix = "Keep the file in a Secret, or let the program take this setting from a variable of a Secret."
            yield Finding.at("SEC-CONFIGMAP", place, cause, evidence=why, fix=fix)


def _in_arguments(container: Container) -> t.Iterator[Finding]:
    for part in ("command", "args"):
        listed = container.body.get(part)
        texts = [str(text) for text in listed] if isinstance(listed, list) else []
        for index, text in enumerate(texts):
            flag = _FLAG.match(text)
            if flag is None:
                continue
            following = texts[index + 1] if index + 1 < len(texts) and not texts[index + 1].startswith("-") else ""
            why = holds_secret(flag["name"], flag["value"] or following)
            if why:
                cause = f"option {flag['name']} of container {container.name} is written in the pod's specification"
                place = container.place(pointer(part, index))
                yield Finding.at("SEC-PLAIN", place, cause, evidence=why, fix=_TO_SECRET)


def _is_default_password(leaf: Leaf, subject: AuditSubject) -> bool:
    name = next((part for part in reversed(leaf.path) if isinstance(part, str)), "")
    if not isinstance(leaf.value, str) or not holds_secret(name, leaf.value):
        return False
    if subject.effects is None:
        return is_password_name(name)
    return any(_ARRIVES.search(effect.field) for effect in subject.effects.effects.get(leaf.path, ()))


DETECTORS: tuple[Detector, ...] = (secrets_in_configmaps, secrets_in_environment, default_passwords)
