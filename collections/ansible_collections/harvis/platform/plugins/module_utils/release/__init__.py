"""Helm releases: desired and live state, drift, upgrade, recovery."""
