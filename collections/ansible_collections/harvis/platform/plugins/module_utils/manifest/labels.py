"""Label selectors, as the API server evaluates them."""

from __future__ import annotations

import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.manifest.objects import Body

Labels = t.Mapping[str, str]


def plain_labels(value: t.Any) -> dict[str, str]:
    """A mapping of labels as text, empty for anything else."""
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def has_all(labels: Labels, wanted: Labels) -> bool:
    """Whether a plain selector (a Service's) takes these labels."""
    return all(labels.get(key) == value for key, value in wanted.items())


def matches(selector: Body, labels: Labels) -> bool:
    """Whether a LabelSelector (``matchLabels`` and ``matchExpressions``) takes these labels; an empty one takes all."""
    expressions = selector.get("matchExpressions")
    return has_all(labels, plain_labels(selector.get("matchLabels"))) and all(
        _satisfied(expression, labels)
        for expression in (expressions if isinstance(expressions, list) else [])
        if isinstance(expression, dict)
    )


def _satisfied(expression: Body, labels: Labels) -> bool:
    key, operator = str(expression.get("key", "")), expression.get("operator")
    values = [str(v) for v in expression.get("values") or []]
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    if operator == "NotIn":
        return labels.get(key) not in values
    return labels.get(key) in values
