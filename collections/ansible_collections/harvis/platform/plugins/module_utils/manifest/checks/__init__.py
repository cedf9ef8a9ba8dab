"""Detectors that look at objects: each file is one topic and exports ``DETECTORS``."""
