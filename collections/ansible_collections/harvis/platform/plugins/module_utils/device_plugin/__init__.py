"""NVIDIA's device plugin: what it consists of, the proof that nodes offer their GPUs, and why they don't."""
