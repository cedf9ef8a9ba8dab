"""What looks like a secret: by the name it has, and by its value."""

from __future__ import annotations

import re

from ansible_collections.harvis.platform.plugins.module_utils.manifest.names import words

_PASSWORDS = frozenset({"PASSWORD", "PASSWD", "PASSPHRASE", "PASS"})
_TOKENS = frozenset({"TOKEN", "SECRET", "APIKEY"})
_KEYS = frozenset({"API", "SECRET", "ACCESS", "PRIVATE", "ENCRYPTION", "SIGNING", "MASTER"})
# With one of these words the name speaks about a secret, or about tokens of another kind (of text, of a page).
_ABOUT = frozenset(
    words(
        """NO MAX MIN NUM COUNT ENABLE ENABLED DISABLE REQUIRE REQUIRED USE ALLOW SKIP SHOW HAS IS EXISTING PUBLIC IMAGE
        PULL TLS MOUNT PAD EOS BOS UNK STOP START END SPECIAL MASK SEP NEXT CERT CA"""
    )
)
_NOT_LITERAL = re.compile(
    r"\$\(|\$\{|\{\{|^<.*>$|^(?:vault|file|env|arn|projects|ref\+\w+|secretref):|^ENC\[|^/|^[*xX.]+$|\s"
)
_NO_SECRETS = re.compile(
    r"true|false|none|null|nil|yes|no|on|off|auto|required|optional|enabled|disabled|default|empty|dummy|unused|fake"
    r"|placeholder|example|todo|ollama|lm-studio|no-key|not-needed|not-used|redacted",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"^(?:your|my|insert|replace|change|put|enter|set|add|no|sk-no|some|example|dummy|fake)[-_ ]", re.I
)
_NAME_OF_SECRET = re.compile(r"^[a-z0-9][a-z0-9.-]*-(?:secrets?|credentials?|creds|tokens?|tls|auth|keys?|passwords?)$")
_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@\"']+:(?P<password>[^\s/@\"']+)@")
_KNOWN_FORMS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bglpat-[\w-]{20}"
    r"|\bxox[abpr]-[\w-]{10,}|\bAIza[\w-]{35}|\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}"
)
_WELL_KNOWN = re.compile(
    r"passw[o0]rd|p@ssw0rd|change[-_]?(?:me|it)|admin|administrator|root|secret|postgres|mysql|guest|minioadmin|test"
    r"|minio123|test123|admin123|password123|123456|12345678|qwerty|letmein|(?:super|top)secret|rabbitmq|redis|mongo",
    re.IGNORECASE,
)


def is_password_name(name: str) -> bool:
    return _last(name) in _PASSWORDS and not _ABOUT.intersection(words(name)) and name.upper() != "PASS"


def is_secret_name(name: str) -> bool:
    """Whether a key of this name holds a secret itself, not its name, file, length, or something else about it."""
    parts = [word for word in words(name) if not word.isdigit()]
    if not parts or _ABOUT.intersection(parts):
        return False
    is_key = parts[-1] == "KEY" and len(parts) > 1 and parts[-2] in _KEYS
    return is_password_name(name) or parts[-1] in _TOKENS or is_key


def holds_secret(name: str, value: str) -> str:
    """Why the value under this name is a secret in plain sight; empty when it is not. Never quotes the value."""
    text = value.strip().strip("\"'")
    if _KNOWN_FORMS.search(text):
        return "the value has the form of a private key or an access token"
    match = _IN_URL.search(text)
    if match and not _NOT_LITERAL.search(match["password"]) and not match["password"].startswith("$"):
        return "the value is a URL with a password in it"
    # ``"password": "Password"`` is a label of a form.
    if not is_secret_name(name) or not _is_literal(text) or (text.istitle() and text.upper() in words(name)):
        return ""
    if not is_password_name(name) and (text.isdigit() or _NAME_OF_SECRET.match(text) or "://" in text):
        return ""
    return "the name says that it is a secret, and the value is not empty"


def is_well_known(value: str) -> bool:
    """Whether it is among the first that anybody tries."""
    return bool(_WELL_KNOWN.fullmatch(value.strip()))


def _is_literal(text: str) -> bool:
    if len(text) < 3 or _NOT_LITERAL.search(text) or _PLACEHOLDER.match(text) or text[0] in "{[|>&*!":
        return is_well_known(text)
    return not _NO_SECRETS.fullmatch(text)


def _last(name: str) -> str:
    parts = [word for word in words(name) if not word.isdigit()]
    return parts[-1].rstrip("0123456789") if parts else ""
