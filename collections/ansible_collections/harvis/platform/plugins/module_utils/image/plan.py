"""What has to be done for an image, decided from what is there. No side effects."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec, Origin


class Step(enum.StrEnum):
    """The one thing to do next for an image."""

    NOTHING = "nothing"
    SAVE = "save"
    LOAD = "load"
    PULL = "pull"
    BUILD = "build"


@dataclass(frozen=True)
class Found:
    """Where an image of this name exists already."""

    reference: Reference
    in_docker: bool
    archived: bool

    @property
    def anywhere(self) -> bool:
        return self.in_docker or self.archived


@dataclass(frozen=True)
class ImagePlan:
    """``origin`` is where the image comes from when the plan is carried out."""

    reference: Reference
    step: Step
    origin: Origin

    @property
    def changed(self) -> bool:
        return self.step is not Step.NOTHING


def plan_image(spec: ImageSpec, found: t.Sequence[Found], *, registry_answers: t.Callable[[], bool]) -> ImagePlan:
    """``found`` follows the order of preference; ``registry_answers`` is asked only when something is missing.

    Raises IMG-ORIGIN when ``origin`` allows no way.
    """
    for candidate in found:
        if candidate.anywhere:
            return ImagePlan(candidate.reference, _step_for(spec, candidate), Origin.CACHE)
    if spec.origin is Origin.CACHE:
        cause = "is neither in Docker nor in the cache, and origin is cache"
        fix = "Set origin to auto, or fill the cache."
        raise image_error("IMG-ORIGIN", str(found[-1].reference), cause, fix=fix)
    if spec.upstream is not None and spec.origin is not Origin.BUILD:
        if registry_answers():
            return ImagePlan(found[0].reference, Step.PULL, Origin.PULL)
        if spec.origin is Origin.PULL:
            cause = "its registry does not answer for it, and origin is pull"
            raise image_error("IMG-ORIGIN", str(spec.upstream), cause, fix="Set origin to auto, or mend the way there.")
    return ImagePlan(found[-1].reference, Step.BUILD, Origin.BUILD)


def _step_for(spec: ImageSpec, found: Found) -> Step:
    if spec.archive and not found.archived:
        return Step.SAVE
    return Step.LOAD if spec.in_docker and not found.in_docker else Step.NOTHING
