from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.image.apt_sources import (
    DEFAULT_KEYRING,
    Mirror,
    find_mirror,
    read_sources,
)
from ansible_collections.harvis.platform.plugins.module_utils.image.errors import ImageError

BOOKWORM = 'ID=debian\nVERSION_CODENAME=bookworm\nNAME="Debian GNU/Linux"\n'
URI = "http://mirror.example.org/debian"

DEB822 = """# written by the installer
Types: deb deb-src
URIs: http://mirror.example.org/debian/
Suites: bookworm bookworm-updates
Components: main
 contrib
# in the middle
Signed-By: /usr/share/keyrings/own.gpg

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
"""
UPDATES = ((URI, "trixie-updates"), (f"{URI}-security", "trixie-security"))

HOSTS: dict[str, tuple[dict[str, str], Mirror]] = {
    "deb822": (
        {"etc/apt/sources.list.d/debian.sources": DEB822},
        Mirror(URI, "/usr/share/keyrings/own.gpg", UPDATES),
    ),
    "one line each": (
        {
            "etc/apt/sources.list": f"# deb http://old.example.org/debian bookworm main\n"
            f"deb [arch=amd64 signed-by=/k.gpg] {URI} bookworm main contrib # why\n"
            f"deb-src {URI} bookworm main\ndeb {URI} bookworm-updates main\n"
        },
        Mirror(URI, "/k.gpg", ((URI, "trixie-updates"),)),
    ),
    "other vendors come first": (
        {
            "etc/apt/sources.list.d/a.list": "deb https://packages.example.com/apt cloud-bookworm main\n",
            "etc/apt/sources.list.d/b.sources": "Types: deb\nURIs: https://x.example.com\nSuites: ./\n",
            "etc/apt/sources.list.d/c.list": f"deb {URI} bookworm main\n",
        },
        Mirror(URI, DEFAULT_KEYRING),
    ),
    "a list of mirrors": (
        {
            "etc/apt/sources.list": "deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n",
            "etc/apt/mirrors/debian.list": f"# ours\n{URI}\thost:yes\nhttp://second.example.org\n",
        },
        Mirror(URI, DEFAULT_KEYRING),
    ),
    "a disabled source does not count": (
        {
            "etc/apt/sources.list.d/a.sources": "Enabled: no\nTypes: deb\nURIs: http://off\nSuites: bookworm\n"
            f"Components: main\n\nTypes: deb\nURIs: {URI}\nSuites: bookworm\nComponents: main\n"
        },
        Mirror(URI, DEFAULT_KEYRING),
    ),
    "a key inside the source is no file": (
        {
            "etc/apt/sources.list.d/a.sources": f"Types: deb\nURIs: {URI}\nSuites: bookworm\nComponents: main\n"
            "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----\n"
        },
        Mirror(URI, DEFAULT_KEYRING),
    ),
    "other files are not sources": (
        {
            "etc/apt/sources.list.d/a.list.save": "deb http://saved bookworm main\n",
            "etc/apt/sources.list": f"deb {URI} bookworm main\n",
        },
        Mirror(URI, DEFAULT_KEYRING),
    ),
}


def host(root: Path, files: dict[str, str]) -> Path:
    for name, content in {"etc/os-release": BOOKWORM, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.mark.parametrize("name", HOSTS)
def test_the_mirror_is_the_hosts_own(tmp_path: Path, name: str) -> None:
    files, expected = HOSTS[name]
    assert find_mirror("trixie", host(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        ({"etc/os-release": "ID=ubuntu\nVERSION_CODENAME=noble\n"}, "no Debian"),
        ({"etc/os-release": ""}, "no Debian"),
        ({}, "no apt source of this host offers main of bookworm"),
        ({"etc/apt/sources.list": f"deb {URI} bookworm contrib\n"}, "no apt source of this host offers main"),
    ],
)
def test_without_a_mirror_the_fix_is_to_name_one(tmp_path: Path, files: dict[str, str], cause: str) -> None:
    with pytest.raises(ImageError, match=cause) as caught:
        find_mirror("trixie", host(tmp_path, files))
    assert (caught.value.findings[0].code, caught.value.findings[0].fix[:10]) == ("IMG-ORIGIN", "Set mirror")


def test_the_image_gets_the_updates_too() -> None:
    mirror = HOSTS["deb822"][1]
    assert mirror.sources_list("trixie") == (
        f"deb {URI} trixie main\ndeb {URI} trixie-updates main\ndeb {URI}-security trixie-security main\n"
    )


def test_this_hosts_own_sources_can_be_read() -> None:
    if not Path("/etc/apt").is_dir():
        pytest.skip("this machine has no apt")
    assert all("://" in source.uri or source.uri.startswith(("cdrom:", "file:")) for source in read_sources())
