{{/* The name under which the cluster's own clients reach the broker. */}}
{{- define "kafka.address" -}}
kafka.{{ .Values.global.namespace }}.svc.cluster.local:9092
{{- end }}

{{/* The properties that follow from how the chart runs the broker: one node that is broker and controller. */}}
{{- define "kafka.ownProperties" -}}
{{- $external := .Values.kafka.external }}
node.id: 1
process.roles: broker,controller
controller.quorum.voters: 1@localhost:9093
controller.listener.names: CONTROLLER
inter.broker.listener.name: INTERNAL
listeners: CONTROLLER://localhost:9093,INTERNAL://:9092{{ if $external.enabled }},EXTERNAL://:9094{{ end }}
advertised.listeners: INTERNAL://{{ include "kafka.address" . }}
  {{- if $external.enabled }},EXTERNAL://{{ $external.host }}:{{ $external.nodePort }}{{ end }}
listener.security.protocol.map: CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT
log.dirs: /var/lib/kafka/data
{{- end }}

{{- define "kafka.serverProperties" -}}
{{- $own := include "kafka.ownProperties" . | fromYaml }}
{{- range $key, $value := .Values.kafka.config }}
{{- if hasKey $own $key }}
{{- fail (printf "kafka.config.%s is set by the chart and can't be changed" $key) }}
{{- end }}
{{- end }}
{{- range $key, $value := merge $own .Values.kafka.config }}
{{ $key }}={{ include "platform.text" $value }}
{{- end }}
{{- end }}

{{/* Logs go to standard output only: /tmp is small, and nobody reads files in a pod. */}}
{{- define "kafka.logging" -}}
rootLogger.level=INFO
rootLogger.appenderRef.stdout.ref=stdout
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=[%d] %p %m (%c)%n
{{- end }}

{{- define "kafka.configFiles" -}}
server.properties: |
  {{- include "kafka.serverProperties" . | trim | nindent 2 }}
log4j2.properties: |
  {{- include "kafka.logging" . | nindent 2 }}
{{- end }}

{{/* Environment of the broker's own. EXTRA_ARGS leaves out the garbage collector's log file. */}}
{{- define "kafka.brokerEnv" -}}
KAFKA_LOG4J_OPTS: -Dlog4j2.configurationFile=/etc/kafka/log4j2.properties
EXTRA_ARGS: -name kafkaServer
{{- end }}

{{/* The part that the container that formats the volume and the broker have in common. (root; env) */}}
{{- define "kafka.container" -}}
{{- $kafka := .root.Values.kafka }}
{{- $own := dict "KAFKA_HEAP_OPTS" (printf "-Xms%s -Xmx%s" $kafka.heap $kafka.heap) "LOG_DIR" "/tmp/logs" -}}
image: {{ $kafka.image }}
{{ include "platform.containerDefaults" .root }}
env:
  {{- include "platform.env" (list $own .env $kafka.env) | trim | nindent 2 }}
resources:
  {{- toYaml $kafka.resources | nindent 2 }}
volumeMounts:
  - name: config
    mountPath: /etc/kafka
  - name: data
    mountPath: /var/lib/kafka
  - name: tmp
    mountPath: /tmp
{{- end }}
