"""Retells what was recalled."""
