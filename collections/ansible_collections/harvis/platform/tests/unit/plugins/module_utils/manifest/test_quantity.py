"""Quantities as the API server reads them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.harvis.platform.plugins.module_utils.manifest.quantity import (
    quantity,
    quantity_or_none,
    shown_bytes,
)

WRITTEN = [
    ("1", "1"),
    (4, "4"),
    (0.5, "0.5"),
    (".5", "0.5"),
    ("5.", "5"),
    ("-1", "-1"),
    ("250m", "0.25"),
    ("100u", "0.0001"),
    ("5n", "0.000000005"),
    ("2k", "2000"),
    ("3M", "3000000"),
    ("1G", "1000000000"),
    ("1T", "1000000000000"),
    ("1P", "1000000000000000"),
    ("1E", "1000000000000000000"),
    ("1Ki", "1024"),
    ("128Mi", "134217728"),
    ("1.5Gi", "1610612736"),
    ("1Ti", "1099511627776"),
    ("1Pi", "1125899906842624"),
    ("1Ei", "1152921504606846976"),
    ("1e3", "1000"),
    ("12E-1", "1.2"),
]


@pytest.mark.parametrize(("text", "number"), WRITTEN)
def test_every_suffix_is_read(text: object, number: str) -> None:
    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "2GB", "1K", "1gi", "Gi", "1 Gi", "one", "1e", "1e3Gi", True, None])
def test_what_the_api_server_refuses_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        quantity(text)
    assert quantity_or_none(text) is None


@pytest.mark.parametrize(("amount", "text"), [(0, "0"), (1023, "1023"), (1536, "1.5Ki"), (8 << 30, "8Gi")])
def test_bytes_for_people(amount: int, text: str) -> None:
    assert shown_bytes(amount) == text
