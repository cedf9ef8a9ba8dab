"""``Renderer``: ``helm template`` for one chart and many sets of values, counted exactly."""

from __future__ import annotations

import json
import re
import shutil
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.values_file import Values
from ansible_collections.harvis.platform.plugins.module_utils.chart.written import lay_over
from ansible_collections.harvis.platform.plugins.module_utils.findings import Finding, Place
from ansible_collections.harvis.platform.plugins.module_utils.manifest.read import LinesOf, Reading, read_rendered
from ansible_collections.harvis.platform.plugins.module_utils.process import ProcessError, Runner

Changes = t.Mapping[ValuePath, t.Any]
# A template can ask for endless text: helm is stopped at this many bytes of address space (it needs about 1.3 GiB of
# it and 60 MiB of memory for a chart like ours) or after the time limit, whatever comes first.
MEMORY = 4 * 1024**3
# A run is too short for collecting garbage to pay, a fifth of its time; a large chart's run still collects it.
GO_ENVIRONMENT = {"GOGC": "off", "GOMEMLIMIT": "512MiB"}
_SOURCE = re.compile(r"^# Source: (\S+)$", re.MULTILINE)
_SEPARATOR = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
_AT = re.compile(r"\((?P<source>[^\s()]+):(?P<line>\d+)(?::\d+)?\)|at (?P<file>[^\s:]+\.(?:ya?ml|tpl|txt)):(?P<at>\d+)")
_PARSE = re.compile(r"(?:template: |parse error at \(|YAML parse error on )(?P<source>[^\s:()]+)(?::(?P<line>\d+))?")
_NO_YAML = re.compile(r"YAML parse error on (?P<source>[^\s:]+): .*\bline (?P<line>\d+):")
LINES_BEFORE = 3


@dataclass(frozen=True)
class RenderOptions:
    """How the chart is installed, as far as templates can see it."""

    helm: str = "helm"
    release: str = "release"
    namespace: str = "default"
    kubernetes: str = "v1.34.4"
    api_versions: tuple[str, ...] = ()
    timeout: float = 60.0
    # Changed values need not keep the schema's rules; what is being asked is what templates do with them.
    check_schema: bool = False


@dataclass(frozen=True)
class Document:
    """One rendered document. ``source`` is Helm's name of its template, empty where Helm gives none."""

    source: str
    text: str


@dataclass(frozen=True)
class Rendered:
    """What one run of Helm gave: text, or the error's text.

    ``invalid`` are the lines that Helm could not read as YAML. They may hold a secret: nobody is shown them.
    """

    text: str
    error: str = ""
    invalid: str = ""

    @property
    def size(self) -> int:
        return len(self.text)

    @property
    def ok(self) -> bool:
        return not self.error

    def documents(self) -> list[Document]:
        """Those that are not empty, in Helm's order."""
        return split_documents(self.text)


@dataclass
class Renderer:
    """Renders ``chart``; ``count`` is the number of Helm runs so far, failed ones included."""

    chart: Chart
    runner: Runner
    options: RenderOptions = field(default_factory=RenderOptions)
    side_by_side: int = 2
    count: int = 0

    def __post_init__(self) -> None:
        self.values: Values = self.chart.values()
        self._lock = threading.Lock()

    def render(self, changes: Changes | None = None) -> Rendered:
        """The chart with ``changes`` laid over its values. A failure is a result as well."""
        return self.render_values(json.dumps(lay_over(self.chart, self.values, changes or {})))

    def render_values(self, stdin: str) -> Rendered:
        """The chart with a file of values, and nothing else laid over its own."""
        with self._lock:
            self.count += 1
        try:
            # Values go through stdin: an argument list can be read by every user of the host.
            result = self.runner.run(
                [*_limits(), *template_argv(self.chart, self.options)],
                stdin=stdin,
                env=GO_ENVIRONMENT,
                timeout=self.options.timeout,
                check=False,
            )
        except ProcessError as exc:
            return Rendered("", "; ".join(finding.cause for finding in exc.findings))
        if result.rc:
            error = _error_text(result.stderr) or f"helm ended with status {result.rc}"
            return Rendered("", error, _invalid_lines(error, result.stdout))
        return Rendered(result.stdout)

    def render_all(self, changes: t.Sequence[Changes]) -> t.Iterator[Rendered]:
        """One result for each, in order and as they come, rendered side by side."""
        if len(changes) < 2:
            yield from map(self.render, changes)
            return
        with ThreadPoolExecutor(self.side_by_side) as pool:
            yield from pool.map(self.render, changes)

    def objects(self, lines_of: LinesOf, changes: Changes | None = None) -> Reading:
        """The rendered objects; a chart that cannot be rendered is a VAL-RENDER finding in the reading."""
        rendered = self.render(changes)
        reading = read_rendered(rendered.text, self.options.namespace, lines_of)
        if rendered.ok:
            return reading
        return Reading(reading.objects, (render_finding(self.chart, rendered.error),))


def template_argv(chart: Chart, options: RenderOptions) -> list[str]:
    argv = [options.helm, "template", options.release, str(chart.root), "--namespace", options.namespace]
    # Text that is no YAML is printed with --debug only.
    argv += ["--kube-version", options.kubernetes, "--values", "-", "--debug"]
    argv += [part for version in options.api_versions for part in ("--api-versions", version)]
    return argv if options.check_schema else [*argv, "--skip-schema-validation"]


def split_documents(text: str) -> list[Document]:
    """Helm's output in documents. ``# Source:`` lines belong to the document that they open."""
    found = []
    for part in _SEPARATOR.split(text):
        match = _SOURCE.search(part)
        body = part[match.end() :].lstrip("\n") if match else part
        if body.strip():
            found.append(Document(match[1] if match else "", body))
    return found


def render_finding(chart: Chart, error: str) -> Finding:
    """VAL-RENDER at the template's line, as far as Helm's message names it."""
    templates = chart.all_templates()
    place = Place(str(chart.root))
    for match in [*_AT.finditer(error), *_PARSE.finditer(error)]:
        groups = match.groupdict()
        source = groups.get("source") or groups.get("file") or ""
        line = groups.get("line") or groups.get("at") or "0"
        if source in templates:
            # Helm names the outermost template first and the one that failed last.
            place = Place(templates[source].file, int(line))
    fix = "Mend the template, or give the value that it asks for."
    return Finding.at("VAL-RENDER", place, "the chart cannot be rendered with these values", evidence=error, fix=fix)


def _error_text(stderr: str) -> str:
    """Helm's message without its log lines."""
    lines = [line for line in stderr.strip().splitlines() if not re.match(r"(level=|time=|WARNING|walk\.go)", line)]
    text = "\n".join(lines[-25:]).removeprefix("Error: ")
    return text.removesuffix("\n\nUse --debug flag to render out invalid YAML")


def _invalid_lines(error: str, text: str) -> str:
    """The lines at which Helm's message points, of each document of that template."""
    match = _NO_YAML.search(error)
    if not match:
        return ""
    bodies = [document.text for document in split_documents(text) if document.source == match["source"]]
    end = int(match["line"])
    return "\n".join(line for body in bodies for line in body.splitlines()[max(0, end - LINES_BEFORE) : end + 1])


def _limits() -> list[str]:
    prlimit = shutil.which("prlimit")
    return [prlimit, f"--as={MEMORY}", "--"] if prlimit else []
