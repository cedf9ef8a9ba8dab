"""The NVIDIA container runtime in containerd's and Docker's configuration, and proof that the daemon took it."""
