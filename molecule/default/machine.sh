#!/bin/sh
# What a container lacks to stand for a machine; run once after it started.
set -eu
mount -o remount,bind,rw /sys
for folder in /sys/fs/cgroup /sys/fs/cgroup/*; do
    mount -o remount,bind,rw "$folder" 2>/dev/null || true
done
mount -o remount,bind,rw /proc/sys
mount --make-rshared /
[ -e /dev/kmsg ] || ln -s /dev/null /dev/kmsg
[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
touch /run/machine-is-ready
