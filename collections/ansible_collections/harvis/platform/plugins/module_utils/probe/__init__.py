"""Endpoints that must answer what they promise (status, type, content), not just something with status 200."""
