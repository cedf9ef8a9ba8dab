"""A chart's templates: read once, for the paths that they read and for the lines of what they render."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.chart.files import Chart
from ansible_collections.harvis.platform.plugins.module_utils.chart.locate import TemplateIndex
from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.references import (
    TemplateFile,
    TemplateReading,
    read_templates,
)


def templates_of(chart: Chart) -> TemplateReading:
    """Subcharts first: what the root chart defines wins."""
    files = [
        TemplateFile(template.file, template.text, one.at)
        for one in reversed(list(chart.tree()))
        for template in one.templates
    ]
    return read_templates(files, chart.values())


def index_of(chart: Chart, templates: TemplateReading) -> TemplateIndex:
    sources = {template.file: source for source, template in chart.all_templates().items()}
    return TemplateIndex({sources[tree.file]: tree for tree in templates.trees})
