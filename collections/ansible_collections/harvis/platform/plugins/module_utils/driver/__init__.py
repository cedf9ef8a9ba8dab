"""The NVIDIA driver: which packages, for which kernels, held together; and what keeps it from working."""
