#!/bin/sh
# kafka-server-start.sh server.properties [--override property=value]*
if [ $# -lt 1 ]; then
    echo "usage: $0 server.properties [--override property=value]*" >&2
    exit 1
fi
here=$(dirname "$0")
export KAFKA_HEAP_OPTS="${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}"
export KAFKA_LOG4J_OPTS="${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=$here/../config/log4j2.properties}"
exec "$here/kafka-run-class.sh" kafka.Kafka "$@"
