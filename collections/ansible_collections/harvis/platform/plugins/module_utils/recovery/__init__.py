"""Bringing a broken platform back by means that lose nothing, and saying what was done and what is left."""
