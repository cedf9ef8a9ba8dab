"""Go templates, read for the values that they read."""
