#!/bin/sh
# Every command-line tool is a link to this script; its name says which class it runs.
here=$(dirname "$0")
name=$(basename "$0")
class=$(awk -v name="$name" '$1 == name { print $2 }' "$here/commands")
if [ -z "$class" ]; then
    echo "$name: not a Kafka command of this image; it has: $(awk '/^kafka/ { print $1 }' "$here/commands" | xargs)" >&2
    exit 64
fi
exec "$here/kafka-run-class.sh" "$class" "$@"
