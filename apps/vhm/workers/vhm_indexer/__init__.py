"""Stores anchors."""
