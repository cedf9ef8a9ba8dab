"""Memory workers."""
