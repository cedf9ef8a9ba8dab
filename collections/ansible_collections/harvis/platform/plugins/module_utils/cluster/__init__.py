"""The embedded cluster: kubeadm's Kubernetes on one host, owned by a mark, made and taken down whole."""
