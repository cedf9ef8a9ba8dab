"""Bringing images into being on one host: what exists is found, the rest is loaded, pulled or built."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding
from ansible_collections.harvis.platform.plugins.module_utils.image.build import Builder
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import Daemon
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError, image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.plan import Found, ImagePlan, Step, plan_image
from ansible_collections.harvis.platform.plugins.module_utils.image.record import Record
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import Reference
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec, Origin


@dataclass(frozen=True)
class Job:
    """An image, with what the controller made of its sources.

    ``source`` is their archive on this host, ``record`` what they are, file by file.
    """

    spec: ImageSpec
    digest: str
    dockerfile: str
    source: Path | None = None
    record: Record | None = None


@dataclass(frozen=True)
class Produced:
    """What became of one image; without ``done`` its sources are needed first."""

    reference: Reference
    digest: str
    changed: bool
    origin: Origin
    archive: Path | None
    seconds: float
    done: bool = True

    def to_dict(self) -> dict[str, t.Any]:
        return {
            "reference": str(self.reference),
            "digest": f"sha256:{self.digest}",
            "changed": self.changed,
            "origin": str(self.origin),
            "archive": str(self.archive) if self.archive else None,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True)
class Producer:
    """``connect`` gives each thread a daemon of its own; ``make_builder`` is called only when something is built."""

    connect: t.Callable[[], Daemon]
    make_builder: t.Callable[[], Builder]
    prefix: str
    cache_dir: Path
    parallel: int = 2
    clock: t.Callable[[], float] = time.monotonic

    def produce(self, jobs: t.Sequence[Job], *, check_mode: bool) -> tuple[dict[str, Produced], Builder | None]:
        """All images by name, and the builder if one was needed.

        Everything that can be found wrong is found before the first image is touched. A failed image does not stop
        the others; the failures of all are raised together.
        """
        plans = _collect(self._plan, [(job,) for job in jobs], len(jobs))
        work = list(zip(jobs, plans, strict=True))
        builder = self._check(work)
        if check_mode:
            return {job.spec.name: self._result(job, plan, 0.0) for job, plan in work}, builder
        done = _collect(self._carry_out, [(job, plan, builder) for job, plan in work], self.parallel)
        return {job.spec.name: result for job, result in zip(jobs, done, strict=True)}, builder

    def _plan(self, job: Job) -> ImagePlan:
        daemon = self.connect()
        found = [self._look(daemon, reference) for reference in job.spec.references(self.prefix, job.digest)]
        if job.source and not found[-1].anywhere and job.spec.origin is not Origin.PULL:
            return ImagePlan(found[-1].reference, Step.BUILD, Origin.BUILD)
        upstream = str(job.spec.upstream)
        return plan_image(job.spec, found, registry_answers=lambda: daemon.registry_digest(upstream) is not None)

    def _look(self, daemon: Daemon, reference: Reference) -> Found:
        return Found(reference, daemon.find(reference) is not None, reference.archive(self.cache_dir).is_file())

    def _check(self, work: t.Sequence[tuple[Job, ImagePlan]]) -> Builder | None:
        builds = [job for job, plan in work if plan.step is Step.BUILD]
        if not builds:
            return None
        builder = self.make_builder()
        _collect(self._check_build, [(job, builder) for job in builds], self.parallel)
        return builder

    def _check_build(self, job: Job, builder: Builder) -> None:
        base = job.spec.base
        if base and self._is_ours(base) and not self._look(self.connect(), base).anywhere:
            cause = f"its base {base} is neither in Docker nor in the cache"
            raise image_error("IMG-ORIGIN", job.spec.name, cause, fix="Make the base image first.")
        builder.check_dockerfile(job.spec, job.dockerfile)

    def _is_ours(self, reference: Reference) -> bool:
        return reference.repository.startswith(f"{self.prefix}/")

    def _carry_out(self, job: Job, plan: ImagePlan, builder: Builder | None) -> Produced:
        started = self.clock()
        daemon = self.connect()
        archive = plan.reference.archive(self.cache_dir)
        if plan.step is Step.LOAD:
            daemon.load(archive)
        elif plan.step is Step.PULL:
            plan = self._pull(daemon, job, plan)
        if plan.step is Step.BUILD:
            if job.source is None:
                return replace(self._result(job, plan, 0.0), done=False)
            self._build(daemon, job, plan, t.cast(Builder, builder))
        if job.spec.archive and not archive.is_file():
            daemon.save([plan.reference], archive)
        return self._result(job, plan, self.clock() - started)

    def _pull(self, daemon: Daemon, job: Job, plan: ImagePlan) -> ImagePlan:
        """The plan that stands after trying to pull: with origin auto, a failed pull turns into a build."""
        if job.spec.upstream is None:
            raise ValueError("a pull was planned without an upstream")
        try:
            daemon.pull(job.spec.upstream, plan.reference)
        except ImageError:
            if job.spec.origin is Origin.PULL:
                raise
            own = job.spec.references(self.prefix, job.digest)[-1]
            return ImagePlan(own, Step.BUILD, Origin.BUILD)
        return plan

    def _build(self, daemon: Daemon, job: Job, plan: ImagePlan, builder: Builder) -> None:
        base = job.spec.base
        if base and daemon.find(base) is None and base.archive(self.cache_dir).is_file():
            daemon.load(base.archive(self.cache_dir))
        source = t.cast(Path, job.source)
        builder.build(job.spec, plan.reference, source, job.dockerfile)
        if daemon.find(plan.reference) is None:
            cause = f"the build ended well, and {plan.reference} is not on the daemon {daemon.host}"
            raise image_error("IMG-DAEMON", job.spec.name, cause, fix="Make the CLI and docker_host name one daemon.")
        source.unlink()

    def _result(self, job: Job, plan: ImagePlan, seconds: float) -> Produced:
        upstream = job.spec.upstream
        pulled = upstream is not None and plan.reference == Reference.of_content(
            self.prefix, job.spec.name, upstream.digest
        )
        digest = upstream.digest if upstream and pulled else job.digest
        archive = plan.reference.archive(self.cache_dir) if job.spec.archive else None
        return Produced(plan.reference, digest, plan.changed, plan.origin, archive, seconds)


def _collect(call: t.Callable[..., t.Any], arguments: t.Sequence[tuple[t.Any, ...]], workers: int) -> list[t.Any]:
    """Results in order; the findings of all failed calls are raised as one error."""
    findings: list[Finding] = []
    results: list[t.Any] = []
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        for future in [pool.submit(call, *row) for row in arguments]:
            try:
                results.append(future.result())
            except ImageError as exc:
                findings += [finding for finding in exc.findings if finding not in findings]
    if findings:
        raise ImageError(*findings)
    return results
