#!/bin/sh
# The first boot of a container that stands for a machine reached by SSH.
set -eu
mkdir -p /run/sshd
/usr/sbin/sshd -p 22022 -o ListenAddress=127.0.0.1
cat /proc/sys/kernel/random/uuid >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
