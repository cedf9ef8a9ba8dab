"""The base render, and how leaves will be changed: what the fast and the slow way to an effect map share."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.harvis.platform.plugins.module_utils.chart.leaves import Leaf, ValuePath
from ansible_collections.harvis.platform.plugins.module_utils.chart.render import Renderer, render_finding
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.laboratory import Laboratory
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.observe import Observer, effect_of
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.perturb import perturbations
from ansible_collections.harvis.platform.plugins.module_utils.chart.trace.tokens import Tokens
from ansible_collections.harvis.platform.plugins.module_utils.findings import HarvisError

# Functions that give something else every time (Sprig's crypto, date and uuid functions).
_RANDOM = re.compile(
    r"\b(?:rand\w+|gen\w+(?:Key|Cert|CA)\w*|genCA|uuidv4|now|htpasswd|bcrypt|encryptAES|shuffle|ago)\b"
)


def prepare(renderer: Renderer, leaves: t.Mapping[ValuePath, Leaf]) -> tuple[Laboratory, list[str]]:
    """Render the chart as it is; the sentences say what cannot be checked.

    Raises HarvisError (VAL-RENDER) when that fails: without it there is nothing to compare with.
    """
    base = renderer.render()
    if not base.ok:
        raise HarvisError(render_finding(renderer.chart, base.error))
    templates = "\n".join(template.text for template in renderer.chart.all_templates().values())
    values = "\n".join(str(leaf.value) for leaf in leaves.values())
    perturbed = perturbations(leaves, "\n".join((base.text, templates, values)), templates)
    observer = Observer(base, Tokens(perturbed), renderer.options.namespace)
    not_checked = [f"{len(leaves) - len(perturbed)} of {len(leaves)} leaves: the chart has too many"]
    not_checked = not_checked if len(perturbed) < len(leaves) else []
    if _RANDOM.search(templates):
        random = sorted({str(effect_of(key)) for key in observer.ignore(renderer.render())})
        not_checked += [f"{effect}: differs each time the chart is rendered" for effect in random]
    return Laboratory(renderer, observer, perturbed), not_checked
