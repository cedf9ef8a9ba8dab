"""Images that ask for consent at their start, where nobody sits to answer."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.audit.subject import AuditSubject, Detector, NotChecked
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.manifest.environment import effective_environment
from ansible_collections.harvis.platform.plugins.module_utils.manifest.image_name import repository
from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Objects
from ansible_collections.harvis.platform.plugins.module_utils.manifest.pods import Container, pods
from ansible_collections.harvis.platform.plugins.module_utils.manifest.settings import command_words


@dataclass(frozen=True)
class Consent:
    """What asks, and the variable (in any case) or argument that answers.

    ``image`` asks by itself; ``model`` is what makes any image ask that is told to load it.
    """

    what: str
    variable: str
    answer: str
    image: re.Pattern[str] | None = None
    model: re.Pattern[str] | None = None


CONSENTS = (
    Consent(
        "Coqui's XTTS asks for its licence on standard input",
        "COQUI_TOS_AGREED",
        "1",
        re.compile(r"(?:^|/)coqui-ai/xtts-streaming-server[\w.-]*$"),
        re.compile(r"\btts_models/multilingual/multi-dataset/xtts|\bcoqui/XTTS|\bxtts_v\d", re.IGNORECASE),
    ),
    Consent(
        "Azure's speech containers do not start without consent to their terms",
        "EULA",
        "accept",
        re.compile(r"^mcr\.microsoft\.com/azure-cognitive-services/"),
    ),
)


def consents(subject: AuditSubject) -> t.Iterator[Finding | NotChecked]:
    for pod in pods(subject.objects):
        for container in pod.containers():
            for consent in CONSENTS:
                yield from _unanswered(subject.objects, container, consent)


def _unanswered(objects: Objects, container: Container, consent: Consent) -> t.Iterator[Finding | NotChecked]:
    environment = effective_environment(objects, container)
    words = [word.word for word in command_words(container)]
    told = [*words, *(variable.value or "" for variable in environment.variables.values())]
    image = repository(str(container.body.get("image", "")))
    asks = bool(consent.image and consent.image.search(image))
    asks = asks or any(bool(consent.model and consent.model.search(text)) for text in told)
    answered = any(name.upper() == consent.variable for name in environment.variables)
    answered = answered or any(word.upper().startswith(f"{consent.variable}=") for word in words)
    if not asks or answered or (container.body.get("stdin") and container.body.get("tty")):
        return
    if not environment.complete:
        yield NotChecked(
            f"whether {consent.variable} is set in {container.pod.owner.address}: a source of its variables is not here"
        )
        return
    yield Finding.at(
        "MDL-CONSENT",
        container.place("/image"),
        f"{consent.what}; container {container.name} has nobody to answer",
        evidence=f"{consent.variable} is not set",
        fix=f"Read the terms, then set {consent.variable}={consent.answer}.",
    )


DETECTORS: tuple[Detector, ...] = (consents,)
