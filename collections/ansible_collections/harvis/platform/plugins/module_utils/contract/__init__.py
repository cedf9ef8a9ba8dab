"""What an application reads from its environment, against what its manifests provide."""
