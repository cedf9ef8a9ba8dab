"""Go templates, read for the values that they read."""

from __future__ import annotations

from ansible_collections.harvis.platform.plugins.module_utils.chart.templates.references import (
    TemplateFile,
    TemplateReading,
    read_templates,
)

__all__ = ["TemplateFile", "TemplateReading", "read_templates"]
