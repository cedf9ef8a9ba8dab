#!/bin/sh
# Stands for a reboot in a container, which cannot have one: SSH goes, the kernel's boot id becomes another, SSH is back.
exec start-stop-daemon --start --background --pidfile /run/no-such.pid --startas /bin/sh -- -c '
    sleep 1
    start-stop-daemon --stop --quiet --oknodo --name sshd
    sleep 2
    cat /proc/sys/kernel/random/uuid >/run/boot_id
    date +%s.%N >/run/rebooted
    exec /usr/sbin/sshd -p 22022 -o ListenAddress=127.0.0.1'
