"""The Debian mirror that this host uses, read from its own apt sources."""

from __future__ import annotations

import email.parser
import re
import shlex
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.harvis.platform.plugins.module_utils.image.errors import image_error

DEFAULT_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>.*)$")
_LIST = "mirror+file:"


@dataclass(frozen=True)
class AptSource:
    """One suite of one repository."""

    uri: str
    suite: str
    components: tuple[str, ...]
    keyring: str | None = None


@dataclass(frozen=True)
class Mirror:
    """Where Debian comes from: ``suites`` are the update suites that belong to it, ready for a sources.list."""

    uri: str
    keyring: str
    updates: tuple[tuple[str, str], ...] = ()

    def sources_list(self, suite: str) -> str:
        rows = [(self.uri, suite), *self.updates]
        return "".join(f"deb {uri} {name} main\n" for uri, name in rows)


def read_sources(root: Path = Path("/")) -> list[AptSource]:
    """All enabled binary repositories of the host, of both formats."""
    folder = root / "etc/apt"
    found: list[AptSource] = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += _stanzas(text) if path.suffix == ".sources" else _lines(text)
    return [_resolved(source, root) for source in found]


def find_mirror(suite: str, root: Path = Path("/")) -> Mirror:
    """The mirror for Debian ``suite``, taken from what this host itself is installed from.

    Raises IMG-ORIGIN when the host is no Debian, or its sources name no Debian mirror.
    """
    system = _os_release(root)
    fix = "Set mirror to the address of a Debian mirror."
    if system.get("ID") != "debian":
        cause = "this host is no Debian, so its apt sources name no Debian mirror"
        raise image_error("IMG-ORIGIN", "debian", cause, evidence=f"ID={system.get('ID')}", fix=fix)
    codename = system.get("VERSION_CODENAME", "")
    sources = [source for source in read_sources(root) if "main" in source.components]
    own = next((source for source in sources if source.suite == codename), None)
    if own is None:
        cause = f"no apt source of this host offers main of {codename or 'its release'}"
        raise image_error("IMG-ORIGIN", "debian", cause, fix=fix)
    updates = [
        (source.uri, f"{suite}{source.suite.removeprefix(codename)}")
        for source in sources
        if source.suite in (f"{codename}-updates", f"{codename}-security")
    ]
    return Mirror(own.uri, own.keyring or DEFAULT_KEYRING, tuple(dict.fromkeys(updates)))


def _stanzas(text: str) -> t.Iterator[AptSource]:
    """deb822: paragraphs of ``Field: values``, continued on indented lines."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        fields = email.parser.HeaderParser().parsestr(f"{paragraph.strip()}\n")
        if "deb" not in fields.get("Types", "").split() or fields.get("Enabled", "yes").strip().lower() == "no":
            continue
        key = fields.get("Signed-By", "").strip()
        components = tuple(fields.get("Components", "").split())
        for uri in fields.get("URIs", "").split():
            for suite in fields.get("Suites", "").split():
                # Signed-By may also hold a whole key; only a file can be handed on.
                yield AptSource(uri, suite, components, key if key.startswith("/") else None)


def _lines(text: str) -> t.Iterator[AptSource]:
    for line in text.splitlines():
        if found := _ONE_LINE.match(line.partition("#")[0].strip()):
            options = dict(part.split("=", 1) for part in shlex.split(found["options"] or "") if "=" in part)
            key = options.get("signed-by", "")
            yield AptSource(
                found["uri"], found["suite"], tuple(found["components"].split()), key if key.startswith("/") else None
            )


def _resolved(source: AptSource, root: Path) -> AptSource:
    """Cloud images name a file that lists mirrors; its first entry is the preferred one."""
    uri = source.uri
    if uri.startswith(_LIST):
        listing = root / uri.removeprefix(_LIST).lstrip("/")
        lines = listing.read_text(encoding="utf-8").split("\n") if listing.is_file() else []
        uri = next((line.split()[0] for line in lines if line.strip() and not line.startswith("#")), uri)
    return AptSource(uri.rstrip("/"), source.suite, source.components, source.keyring)


def _os_release(root: Path) -> dict[str, str]:
    path = root / "etc/os-release"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _equals, value in pairs}
