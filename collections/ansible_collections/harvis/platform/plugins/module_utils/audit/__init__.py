"""The audit: everything that can be known to be wrong before anything is deployed.

Nothing is imported here: detectors import ``audit.subject``, and ``audit.run`` imports the detectors.
"""
