"""Recalls what is like a text."""
