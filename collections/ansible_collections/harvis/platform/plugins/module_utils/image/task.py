"""From the options of a build task to its result: what the module calls on the managed host."""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.build import Builder
from ansible_collections.harvis.platform.plugins.module_utils.image.cli import find_build_cli
from ansible_collections.harvis.platform.plugins.module_utils.image.daemon import connect
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error
from ansible_collections.harvis.platform.plugins.module_utils.image.produce import Job, Produced, Producer
from ansible_collections.harvis.platform.plugins.module_utils.image.record import Record, Records
from ansible_collections.harvis.platform.plugins.module_utils.image.reference import TAG_HEX, Reference
from ansible_collections.harvis.platform.plugins.module_utils.image.secrets import build_secrets
from ansible_collections.harvis.platform.plugins.module_utils.image.specification import ImageSpec
from ansible_collections.harvis.platform.plugins.module_utils.process import Runner


@dataclass(frozen=True)
class SourceStore:
    """Packed sources on the host, called after the digest of what they make."""

    folder: Path

    def path(self, job: Job) -> Path:
        return self.folder / f"{Reference.of_content('', job.spec.name, job.digest).file_stem}.tar"

    def take(self, job: Job) -> Job:
        """Move the archive that was transferred for ``job`` to its place."""
        place = self.path(job)
        if job.source is None or job.source == place:
            return job
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f"{place.name}.partial")
        shutil.move(job.source, partial)
        partial.replace(place)
        return replace(job, source=place)

    def forget(self, job: Job) -> None:
        """Remove what earlier, failed builds of this image left."""
        for left in self.folder.glob(f"{job.spec.name}-{'[0-9a-f]' * TAG_HEX}.tar"):
            left.unlink(missing_ok=True)


def produce_images(params: t.Mapping[str, t.Any], runner: Runner, *, check_mode: bool) -> dict[str, t.Any]:
    """The module's result; ``needed`` names the images whose sources have to be sent before they can be built."""
    store = SourceStore(Path(params["src_dir"]))
    jobs = [_job(entry, params["prepared"] or {}) for entry in params["images"]]
    if not check_mode:
        jobs = [store.take(job) for job in jobs]
    producer = Producer(
        connect=lambda: connect(params["docker_host"]),
        make_builder=lambda: _builder(params, runner),
        prefix=params["prefix"],
        cache_dir=Path(params["cache_dir"]),
        parallel=params["parallel"],
    )
    images, builder = producer.produce(jobs, check_mode=check_mode)
    for job in jobs:
        if job.source and not check_mode:
            store.forget(job)
    records = Records.beside(Path(params["cache_dir"]))
    changes = {}
    for job in jobs:
        changes |= _remember(records, job, images[job.spec.name], check_mode=check_mode)
    return {**_to_result(jobs, images, builder, store), "changes": changes}


def _remember(records: Records, job: Job, image: Produced, *, check_mode: bool) -> dict[str, list[str]]:
    """Keep what an image is made of; returns in what its older ones differ from that. A pulled one has no sources."""
    if job.record is None or image.digest != job.digest:
        return {}
    if image.done and not check_mode:
        records.keep(image.reference, job.record)
    return records.changes(image.reference, job.record)


def _job(entry: t.Mapping[str, t.Any], prepared: t.Mapping[str, t.Any]) -> Job:
    spec = ImageSpec.from_params(entry)
    facts = prepared.get(spec.name)
    if not facts:
        cause = "has no digest: the module was run without its action plugin"
        raise image_error("PLB-INPUT", spec.name, cause, fix="Call harvis.platform.image_build from a task.")
    source = Path(facts["source"]) if facts.get("source") else None
    record = Record.from_dict(facts["record"]) if facts.get("record") else None
    return Job(spec, facts["digest"], facts["dockerfile"], source, record)


def _builder(params: t.Mapping[str, t.Any], runner: Runner) -> Builder:
    return Builder(
        cli=find_build_cli(runner, [params["docker_cli"]] if params["docker_cli"] else None),
        docker_host=connect(params["docker_host"]).host,
        runner=runner,
        work_dir=Path(params["src_dir"]),
        log_dir=Path(params["log_dir"]),
        secrets=build_secrets(params["ca_bundle"], params["pip_config"], params["secrets"]),
        network=params["network"],
        timeout=params["timeout"],
    )


def _to_result(
    jobs: t.Sequence[Job], images: t.Mapping[str, Produced], builder: Builder | None, store: SourceStore
) -> dict[str, t.Any]:
    needed = {
        job.spec.name: str(store.path(job)) if store.path(job).is_file() else None
        for job in jobs
        if not images[job.spec.name].done
    }
    return {
        "changed": any(image.changed for image in images.values()),
        "images": {name: image.to_dict() for name, image in images.items()},
        "deliverables": deliverables({name: image.to_dict() for name, image in images.items()}),
        "needed": needed,
        "builder": builder.cli.to_dict() if builder else None,
        "diff": {
            "before": {name: None if image.changed else str(image.reference) for name, image in images.items()},
            "after": {name: str(image.reference) for name, image in images.items()},
        },
    }


def deliverables(images: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The images in the shape that ``image_deliver`` takes."""
    return [{"reference": image["reference"], "archive": image["archive"]} for image in images.values()]
