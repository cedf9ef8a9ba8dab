"""Whoever else brings objects to a description of theirs (Flux, Argo CD): who, when, and how it is held off."""
