"""Which control plane images are imported, and what they are made of."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.cluster import images
from ansible_collections.harvis.platform.plugins.module_utils.cluster.images import ControlPlaneImages
from ansible_collections.harvis.platform.plugins.module_utils.cluster.spec import ClusterSpec
from ansible_collections.harvis.platform.tests.unit.fakes import FakeRunner, cluster_spec

HEADER = "REF TYPE DIGEST SIZE PLATFORMS LABELS"


class Containerd(FakeRunner):
    """Answers ``ctr`` like a containerd that keeps what is imported."""

    def __init__(self, spec: ClusterSpec) -> None:
        super().__init__()
        ctr = ("ctr", "--address", str(spec.socket), "-n", "k8s.io", "images")
        self.held: dict[str, str] = {}
        self.answers = {(*ctr, "ls"): self._list, (*ctr, "import"): self._import, ("ldd",): self._libraries}
        self.tools: tuple[str, ...] = ()
        self.library = spec.bin_dir / "lib" / "libmnl.so.0"

    def _list(self, _: tuple[str, ...]) -> str:
        rows = [f"{ref} application/vnd.oci {digest} 1.0 MiB linux/amd64 -" for ref, digest in self.held.items()]
        return "\n".join([HEADER, *rows])

    def _import(self, argv: tuple[str, ...]) -> None:
        with tarfile.open(argv[-1]) as tar:
            index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
        (manifest,) = index["manifests"]
        self.held[manifest["annotations"]["io.containerd.image.name"]] = manifest["digest"]

    def _libraries(self, argv: tuple[str, ...]) -> str:
        return f"{argv[1]}:\n\tlinux-vdso.so.1 (0x0)\n\tlibmnl.so.0 => {self.library} (0x00007f)\n"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClusterSpec:
    spec = cluster_spec(tmp_path)
    (spec.bin_dir / "lib").mkdir(parents=True)
    spec.containerd_root.mkdir(parents=True)
    for name in (*spec.images, "nft", "lib/libmnl.so.0"):
        (spec.bin_dir / name).write_text(f"program {name}")
    monkeypatch.setattr(images, "PROXY_TOOLS", (spec.program("nft"), str(tmp_path / "absent")))
    return spec


def test_imports_what_is_missing_and_then_nothing(spec: ClusterSpec) -> None:
    runner = Containerd(spec)
    control_plane = ControlPlaneImages(spec, runner)

    assert control_plane.ensure() == list(spec.images)
    assert set(runner.held) == set(spec.images.values())
    assert list((spec.data_dir / "images").iterdir()) == []
    assert control_plane.ensure() == []


def test_an_image_of_another_digest_is_imported_again(spec: ClusterSpec) -> None:
    runner = Containerd(spec)
    control_plane = ControlPlaneImages(spec, runner)
    control_plane.ensure()
    runner.held[spec.images["etcd"]] = "sha256:somebody-else"
    del runner.held[spec.images["pause"]]

    assert control_plane.missing() == ["etcd", "pause"]
    assert control_plane.ensure() == ["etcd", "pause"]
    assert control_plane.missing() == []


def test_a_lost_record_means_that_nothing_is_known(spec: ClusterSpec) -> None:
    runner = Containerd(spec)
    control_plane = ControlPlaneImages(spec, runner)
    control_plane.ensure()
    (spec.containerd_root / "control-plane-images.json").write_text("{")

    assert control_plane.missing() == list(spec.images)


def test_kube_proxy_brings_the_tools_of_the_host_and_their_libraries(spec: ClusterSpec) -> None:
    image = ControlPlaneImages(spec, Containerd(spec))._image("kube-proxy")

    assert image.files == {
        "/usr/local/bin/kube-proxy": spec.bin_dir / "kube-proxy",
        f"/usr{spec.program('nft')}": spec.bin_dir / "nft",
        f"/usr{spec.program('lib/libmnl.so.0')}": spec.bin_dir / "lib/libmnl.so.0",
    }
    assert dict(image.links)["/sbin"] == "usr/sbin"
    assert dict(image.links)["/usr/sbin/ip6tables-restore"] == "xtables-nft-multi"


ENTRYPOINTS = [
    ("kube-apiserver", "/usr/local/bin/kube-apiserver", ()),
    ("coredns", "/coredns", ("/coredns",)),
    ("pause", "/pause", ("/pause",)),
]


@pytest.mark.parametrize(("name", "inside", "entrypoint"), ENTRYPOINTS)
def test_programs_lie_where_their_manifests_start_them(
    spec: ClusterSpec, name: str, inside: str, entrypoint: tuple[str, ...]
) -> None:
    image = ControlPlaneImages(spec, Containerd(spec))._image(name)

    assert (image.files, image.entrypoint) == ({inside: spec.bin_dir / name}, entrypoint)
