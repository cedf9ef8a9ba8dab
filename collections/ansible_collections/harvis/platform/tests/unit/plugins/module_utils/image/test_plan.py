from __future__ import annotations

import typing as t

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError
from ansible_collections.harvis.platform.plugins.module_utils.image.plan import Found, ImagePlan, Step, plan_image
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference, Upstream
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec, Origin

PULLED, OWN = Reference("h/x", "sha256-pulled"), Reference("h/x", "sha256-own")
UPSTREAM = Upstream("docker.io/x", "0" * 64)


def never() -> bool:
    raise AssertionError("the registry was asked although the image is there")


@pytest.mark.parametrize(
    ("archive", "load", "in_docker", "archived", "step"),
    [
        (False, False, True, False, Step.NOTHING),
        (False, False, False, True, Step.LOAD),
        (True, False, False, True, Step.NOTHING),
        (True, False, True, False, Step.SAVE),
        (True, True, False, True, Step.LOAD),
        (True, True, True, True, Step.NOTHING),
        (True, True, True, False, Step.SAVE),
    ],
)
def test_what_exists_is_only_moved(archive: bool, load: bool, in_docker: bool, archived: bool, step: Step) -> None:
    spec = ImageSpec("x", archive=archive, load=load)
    plan = plan_image(spec, [Found(OWN, in_docker, archived)], registry_answers=never)
    assert plan == ImagePlan(OWN, step, Origin.CACHE)
    assert plan.changed is (step is not Step.NOTHING)


def test_a_pulled_image_is_preferred_to_a_built_one() -> None:
    spec = ImageSpec("x", upstream=UPSTREAM)
    found = [Found(PULLED, False, True), Found(OWN, True, True)]
    assert plan_image(spec, found, registry_answers=never).reference == PULLED


def test_a_built_image_stays_although_a_registry_might_answer() -> None:
    spec = ImageSpec("x", upstream=UPSTREAM)
    found = [Found(PULLED, False, False), Found(OWN, True, False)]
    assert plan_image(spec, found, registry_answers=never) == ImagePlan(OWN, Step.NOTHING, Origin.CACHE)


@pytest.mark.parametrize(
    ("origin", "upstream", "answers", "expected"),
    [
        (Origin.AUTO, None, never, ImagePlan(OWN, Step.BUILD, Origin.BUILD)),
        (Origin.AUTO, UPSTREAM, lambda: True, ImagePlan(PULLED, Step.PULL, Origin.PULL)),
        (Origin.AUTO, UPSTREAM, lambda: False, ImagePlan(OWN, Step.BUILD, Origin.BUILD)),
        (Origin.BUILD, UPSTREAM, never, ImagePlan(OWN, Step.BUILD, Origin.BUILD)),
        (Origin.PULL, UPSTREAM, lambda: True, ImagePlan(PULLED, Step.PULL, Origin.PULL)),
    ],
)
def test_the_chain(
    origin: Origin, upstream: Upstream | None, answers: t.Callable[[], bool], expected: ImagePlan
) -> None:
    spec = ImageSpec("x", upstream=upstream, origin=origin)
    found = [Found(PULLED, False, False), Found(OWN, False, False)]
    assert plan_image(spec, found, registry_answers=answers) == expected


@pytest.mark.parametrize(
    ("origin", "cause"), [(Origin.CACHE, "neither in Docker nor in the cache"), (Origin.PULL, "does not answer")]
)
def test_a_forced_origin_that_fails_is_a_finding(origin: Origin, cause: str) -> None:
    spec = ImageSpec("x", upstream=UPSTREAM, origin=origin)
    with pytest.raises(ImageError, match=cause) as caught:
        plan_image(spec, [Found(OWN, False, False)], registry_answers=lambda: False)
    assert caught.value.findings[0].code == "IMG-ORIGIN"


@pytest.mark.parametrize(
    ("origin", "names"),
    [
        (Origin.AUTO, ("sha256-0000000000000000", "sha256-1111111111111111")),
        (Origin.CACHE, ("sha256-0000000000000000", "sha256-1111111111111111")),
        (Origin.PULL, ("sha256-0000000000000000",)),
        (Origin.BUILD, ("sha256-1111111111111111",)),
    ],
)
def test_the_names_an_image_may_have(origin: Origin, names: tuple[str, ...]) -> None:
    spec = ImageSpec("x", upstream=UPSTREAM, origin=origin)
    assert tuple(reference.tag for reference in spec.references("h", "1" * 64)) == names
