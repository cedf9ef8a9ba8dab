#!/bin/sh
# daemon start|restart containerd|docker: what systemd does on a machine that has it.
set -eu
verb=$1
name=$2
if [ "$verb" = restart ]; then
    start-stop-daemon --stop --quiet --oknodo --retry 30 --pidfile "/run/daemon-$name.pid"
fi
case $name in
containerd) set -- /usr/bin/containerd ;;
# Without a network: a container that shares its host's must not touch the host's bridges.
docker) set -- /usr/bin/unshare --net /usr/sbin/dockerd --containerd /run/containerd/containerd.sock ;;
esac
program=$1
shift
start-stop-daemon --start --quiet --background --make-pidfile --pidfile "/run/daemon-$name.pid" \
    --output "/var/log/$name.log" --startas "$program" -- "$@"
