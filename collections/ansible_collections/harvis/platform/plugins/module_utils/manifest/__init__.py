"""Kubernetes objects as an audit sees them: rendered by a chart or lying in files, with the lines they come from."""
