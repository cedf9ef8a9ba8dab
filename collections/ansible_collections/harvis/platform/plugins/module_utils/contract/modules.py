"""What the image starts and imports, against what it holds."""

from __future__ import annotations

import posixpath

from ansible_collections.harvis.platform.plugins.module_utils.contract import imports
from ansible_collections.harvis.platform.plugins.module_utils.contract.imports import FailedImport, Surroundings
from ansible_collections.harvis.platform.plugins.module_utils.contract.programs import Program
from ansible_collections.harvis.platform.plugins.module_utils.contract.said import Said, read_place, where
from ansible_collections.harvis.platform.plugins.module_utils.contract.unread import nearest
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place


def findings(program: Program) -> Said:
    said = Said()
    _start(program, said)
    around = Surroundings(program.application.context_files, program.application.requirements)
    failed = imports.failed_imports(program.tree, program.reads.modules if program.entries else (), around)
    unsure = sorted({f.module.partition(".")[0] for f in failed if f.kind == "unsure"})
    if unsure:
        said.not_checked.append(f"{where(program)}: whether its image has {', '.join(unsure)} is not known")
    for one in failed:
        # Without a Dockerfile nobody says which folders the image has, or what is installed in it.
        if one.kind != "unsure" and (program.application.image is not None or one.kind in ("module", "name")):
            said.findings.append(_failed(program, one))
    return said


def _start(program: Program, said: Said) -> None:
    start, application = program.start, program.application
    image = application.image
    if program.entries or image is None or not (start.module or start.script):
        return
    if start.script:
        folder = posixpath.dirname(start.script)
        if any(p.startswith(f"{folder}/" if folder else "") for p in application.files):
            said.findings.append(_no_module(program, f"/{start.script}", [f"/{p}" for p in application.files]))
        return
    around = Surroundings(application.context_files, application.requirements)
    name = start.module
    top = name.partition(".")[0]
    failed = imports.missing_module(program.tree, name, around)
    if failed == "path":
        folder = imports.folder_with(program.tree, name) or ""
        said.findings.append(_path(program, name, folder, _search_place(program)))
    elif failed in ("no", "copy") or program.tree.find(top):
        said.findings.append(_no_module(program, name, program.tree.all_modules()))
    else:
        said.not_checked.append(f"{where(program)}: whether its image has the module {name} is not known")


def _no_module(program: Program, name: str, known: list[str]) -> Finding:
    near = nearest(name, known) or next((k for k in known if k.rpartition(".")[2] == name.rpartition(".")[2]), "")
    return Finding.at(
        "ENV-MODULE",
        _start_place(program),
        f"{where(program)}: the image starts {name}, which its sources do not have",
        evidence=f"command: {' '.join(program.argv)}"[:300],
        fix=f"Did you mean {near}?" if near else "Correct the name, or copy the module into the image.",
    )


def _start_place(program: Program) -> Place:
    """Where the name of what is started is given: a variable, the container's command, else the Dockerfile."""
    container, image = program.container, program.application.image
    for name in sorted(program.start.needs):
        variable = program.given.variables.get(name)
        if variable is not None:
            return container.place(variable.source.pointer)
        if name in program.application.environment and image is not None:
            return read_place(program, image.dockerfile, program.application.environment[name].line, "/image")
    for key in ("command", "args"):
        if container.body.get(key):
            return container.place(f"/{key}")
    if image is None:
        return container.place("/image")
    return read_place(program, image.dockerfile, image.start_line, "/image")


def _search_place(program: Program) -> Place:
    """Where PYTHONPATH is set: by the container, else by the Dockerfile; else what would need it."""
    variable = program.given.variables.get("PYTHONPATH")
    if variable is not None:
        return program.container.place(variable.source.pointer)
    setting = program.application.environment.get("PYTHONPATH")
    image = program.application.image
    if image is None:
        return program.container.place("/image")
    return read_place(program, image.dockerfile, setting.line if setting else image.start_line, "/image")


def _path(program: Program, name: str, folder: str, place: Place) -> Finding:
    searched = ":".join(f"/{f}" for f in program.tree.search)
    hides = "PYTHONPATH" in program.given.variables and "PYTHONPATH" in program.application.environment
    replaced = "; the container's PYTHONPATH replaces the image's" if hides else ""
    return Finding.at(
        "ENV-PATH",
        place,
        f"{where(program)}: {name} lies in /{folder}, where Python does not look",
        evidence=f"Python looks in {searched}{replaced}",
        fix=f"Add /{folder} to PYTHONPATH.",
    )


def _failed(program: Program, one: FailedImport) -> Finding:
    if one.kind == "path":
        found = _path(program, one.module, one.folder, _search_place(program))
        return Finding.at(
            found.code,
            found.place or Place(),
            found.cause,
            evidence=f"{found.evidence}; imported at {program.short(one.file)}:{one.line}",
            fix=found.fix,
        )
    if one.kind == "hidden":
        top = one.module.partition(".")[0]
        return Finding.at(
            "ENV-PATH",
            _search_place(program),
            f"{where(program)}: the package {top} of /{one.folder} is hidden by another of that name, found first",
            evidence=f"imported at {program.short(one.file)}:{one.line}",
            fix=f"Put /{one.folder} first, or rename one of the packages.",
        )
    owner, _, name = one.module.rpartition(".")
    owner, _, name = one.module.rpartition(".")
    causes = {
        "copy": (f"{one.module} is not copied into the image", f"COPY it from {one.folder or 'the context'}."),
        "module": (f"the sources have no {one.module}", "Correct the name, or add the module."),
        "name": (f"{owner} has no {name}", "Define it, or correct the name."),
        "distribution": (f"nothing that is installed brings {one.module}", "Add its distribution to the requirements."),
    }
    cause, fix = causes[one.kind]
    listed = ", ".join(map(program.short, program.application.requirements.files))
    evidence = f"requirements: {listed}" if one.kind == "distribution" and listed else ""
    place = read_place(program, one.file, one.line, "/image")
    return Finding.at("ENV-IMPORT", place, f"{where(program)}: {cause}", evidence=evidence, fix=fix)
