"""Prints, as shell exports, what the build's optional secrets say of the package index.

The secret `ca` is a bundle of certificate authorities, `pip` a pip.conf, which uv does not read itself.
"""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

CA = Path("/run/secrets/ca")
PIP = Path("/run/secrets/pip")


def exports() -> dict[str, str]:
    found: dict[str, str] = {}
    if CA.is_file():
        found |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"), str(CA))
    if PIP.is_file():
        settings = configparser.ConfigParser(interpolation=None)
        settings.read(PIP)
        for variable, option in (("UV_DEFAULT_INDEX", "index-url"), ("UV_INDEX", "extra-index-url")):
            if value := settings.get("global", option, fallback="").strip():
                found[variable] = " ".join(value.split())
    return found


for name, value in exports().items():
    print(f"export {name}={shlex.quote(value)}")
