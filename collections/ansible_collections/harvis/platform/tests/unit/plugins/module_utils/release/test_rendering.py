"""Where a chart is rendered: beside us while nothing differs, else with what the server knows."""

from __future__ import annotations

import dataclasses
import io
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.release.converge import ensure_present
from ansible_collections.harvis.platform.plugins.module_utils.release.helm import Helm
from ansible_collections.harvis.platform.plugins.module_utils.release.rendering import asks_server
from ansible_collections.harvis.platform.plugins.module_utils.release.spec import ReleaseSpec


@pytest.fixture
def renderings(spec: ReleaseSpec) -> t.Callable[..., list[str]]:
    def call(fake: t.Any, **changes: t.Any) -> list[str]:
        described = dataclasses.replace(spec, **changes)
        ensure_present(described, Helm(fake, "helm"), lambda: fake.cluster, check_mode=True)
        return t.cast("list[str]", fake.renderings())

    return call


def test_the_server_is_asked_only_where_something_differs(renderings: t.Any, make: t.Any, released: t.Any) -> None:
    assert renderings(make.helm(released, make.manifest)) == ["client"]
    assert renderings(make.helm(released, make.manifest.replace("hello", "bye"))) == ["client", "server"]


def test_the_order_of_documents_is_no_difference(renderings: t.Any, make: t.Any, released: t.Any) -> None:
    first, *others = make.manifest.split("---\n")[1:]
    assert renderings(make.helm(released, "---\n".join(["", *others, first]))) == ["client"]


def test_a_first_install_is_rendered_on_the_server(renderings: t.Any, make: t.Any) -> None:
    assert renderings(make.helm(make.cluster(make.namespace), make.manifest))[-1] == "server"


@pytest.mark.parametrize("text", ['{{ lookup "v1" "Secret" "a" "b" }}', "{{ .Capabilities.KubeVersion }}"])
def test_a_chart_that_asks_is_rendered_on_the_server(
    renderings: t.Any, make: t.Any, released: t.Any, chart: Path, text: str
) -> None:
    (chart / "asking.yaml").write_text(text, encoding="utf-8")
    assert renderings(make.helm(released, make.manifest)) == ["server"]


def test_a_value_that_asks_counts_as_the_chart_may_render_it(renderings: t.Any, make: t.Any, released: t.Any) -> None:
    values = {"extra": ['{{ lookup "v1" "Secret" "a" "b" }}']}
    assert renderings(make.helm(released, make.manifest), values=values) == ["server"]


def test_what_cannot_be_looked_into_may_ask(chart: Path, tmp_path: Path) -> None:
    assert not asks_server(chart)
    (chart / "charts").mkdir()
    with tarfile.open(chart / "charts" / "other-1.0.0.tgz", "w:gz") as packed:
        packed.addfile(tarfile.TarInfo("other/Chart.yaml"), io.BytesIO())
    assert asks_server(chart)
    assert asks_server(tmp_path / "packed.tgz")
    assert asks_server(Path("oci://registry.example/charts/app"))


def test_a_failure_here_is_left_to_the_server(renderings: t.Any, make: t.Any, released: t.Any) -> None:
    fake = make.helm(released, make.manifest, client_failure="chart requires kubeVersion: >= 1.99")
    assert renderings(fake) == ["client", "server"]
