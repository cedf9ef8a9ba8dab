"""Concept ``image``: content digest of a build, tag, build, and delivery to where the kubelet sees it."""

from __future__ import annotations
