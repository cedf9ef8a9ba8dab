"""MDL-CONSENT."""

from __future__ import annotations

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.checks.consent import DETECTORS
from ansible_collections.harvis.platform.tests.unit.plugins.module_utils.manifest.workloads import (
    deployment,
    found,
    not_checked,
    subject,
)

COQUI = "ghcr.io/coqui-ai/tts:v0.22.0"
XTTS = "args: [--model_name, tts_models/multilingual/multi-dataset/xtts_v2]\n"
AZURE = "mcr.microsoft.com/azure-cognitive-services/speechservices/neural-text-to-speech:3.8.0"
CASES = [
    pytest.param(COQUI, XTTS, True, id="asks"),
    pytest.param(COQUI, XTTS + "env: [{name: COQUI_TOS_AGREED, value: '1'}]", False, id="answered"),
    pytest.param(COQUI, XTTS + "stdin: true\ntty: true", False, id="somebody-may-answer"),
    pytest.param(COQUI, "args: [--model_name, tts_models/en/ljspeech/vits]", False, id="a-model-that-does-not-ask"),
    pytest.param("ghcr.io/coqui-ai/xtts-streaming-server:main-cuda121", "", True, id="by-image"),
    pytest.param("example.com/speech:1", "env: [{name: MODEL, value: xtts_v2}]", True, id="by-variable"),
    pytest.param("example.com/speech:1", "", False, id="another-image"),
    pytest.param(AZURE, "", True, id="azure"),
    pytest.param(AZURE, "args: [Eula=accept, Billing=x]", False, id="azure-by-argument"),
    pytest.param(AZURE, "env: [{name: Eula, value: accept}]", False, id="azure-by-variable"),
]


@pytest.mark.parametrize(("image", "container", "wanted"), CASES)
def test_consent(image: str, container: str, wanted: bool) -> None:
    given = subject(deployment(container, image=image))

    assert found(DETECTORS, given) == [("MDL-CONSENT", "/spec/template/spec/containers/0/image")] * wanted


def test_variables_from_elsewhere_are_not_checked() -> None:
    given = subject(deployment(XTTS + "envFrom: [{secretRef: {name: speech}}]", image=COQUI))

    assert found(DETECTORS, given) == []
    assert not_checked(DETECTORS, given) == [
        "whether COQUI_TOS_AGREED is set in default/Deployment/web: a source of its variables is not here"
    ]
