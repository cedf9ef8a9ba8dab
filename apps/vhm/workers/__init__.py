"""The workers of the memory."""
