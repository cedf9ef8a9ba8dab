"""Deployment: what a run is to touch, whether it may, and what became of it. One component is one worker, say."""

from __future__ import annotations
