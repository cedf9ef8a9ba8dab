"""Delivery: bringing an image where the kubelet sees it, and proving that it is seen."""

from __future__ import annotations
