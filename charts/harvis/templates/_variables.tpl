{{/* Who reads variables, and where its ConfigMap and Secret lie: a pod reads those of its own namespace only. */}}
{{- define "harvis.scopes" -}}
workers:
  namespace: {{ .Values.global.workersNamespace }}
  configMap: vhm-config
  secret: vhm-secrets
  readers: [indexer, resonance, reteller]
backend:
  namespace: {{ .Values.global.namespace }}
  configMap: harvis-backend-config
  secret: harvis-backend-secrets
  readers: [backend]
{{- end }}

{{/* What the chart knows by itself; a variable with an empty value takes it from here. */}}
{{- define "harvis.derivedValues" -}}
KAFKA_BOOTSTRAP: kafka.{{ .Values.global.workersNamespace }}.svc.cluster.local:9092
QDRANT_URL: http://qdrant.{{ .Values.global.workersNamespace }}.svc.cluster.local:6333
OLLAMA_MODEL: {{ .Values.mergedOllamaBackend.ollama.model.name | quote }}
{{- if .Values.mergedOllamaBackend.enabled }}
OLLAMA_BASE_URL: http://harvis-ollama.{{ .Values.global.namespace }}.svc.cluster.local:11434
OLLAMA_URL: http://localhost:11434
{{- else }}
OLLAMA_BASE_URL: {{ .Values.backend.ollamaUrl | quote }}
OLLAMA_URL: {{ .Values.backend.ollamaUrl | quote }}
{{- end }}
{{- end }}

{{/* The value of one variable as text. (root, name, variable) */}}
{{- define "harvis.variableValue" -}}
{{- $derived := include "harvis.derivedValues" .root | fromYaml }}
{{- $value := include "platform.text" .variable.value | default (get $derived .name) }}
{{- $mayBeEmpty := or .variable.optional (and .variable.secret .root.Values.existingSecret) }}
{{- if not (or $value $mayBeEmpty) }}
{{- fail (printf "variables.%s.value is empty, and the variable is not optional" .name) }}
{{- end }}
{{- $value }}
{{- end }}

{{/* Variables that any of the readers reads, as a map of texts: secret ones or the others. (root, readers, secret) */}}
{{- define "harvis.variables" -}}
{{- range $name, $variable := .root.Values.variables }}
{{- $read := false }}
{{- range $.readers }}
{{- $read = or $read (has . $variable.readBy) }}
{{- end }}
{{- if and $read (eq (default false $variable.secret) $.secret) }}
{{ $name }}: {{ include "harvis.variableValue" (dict "root" $.root "name" $name "variable" $variable) | toJson }}
{{- end }}
{{- end }}
{{- end }}

{{/* Env entries of one reader, key by key, without names that its own environment sets. (root, reader, scope; own) */}}
{{- define "harvis.variableEnv" -}}
{{- $secret := .root.Values.existingSecret | default .scope.secret }}
{{- range $name, $variable := .root.Values.variables }}
{{- if and (has $.reader $variable.readBy) (not (hasKey (default dict $.own) $name)) }}
- name: {{ $name }}
  valueFrom:
    {{- if $variable.secret }}
    secretKeyRef:
      name: {{ $secret }}
    {{- else }}
    configMapKeyRef:
      name: {{ $.scope.configMap }}
    {{- end }}
      key: {{ $name }}
      {{- if $variable.optional }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Changes when a value that this reader gets does, and with it the pod. (root, reader) */}}
{{- define "harvis.variablesChecksum" -}}
{{- $readers := list .reader }}
{{- $plain := include "harvis.variables" (dict "root" .root "readers" $readers "secret" false) }}
{{- $secret := include "harvis.variables" (dict "root" .root "readers" $readers "secret" true) }}
{{- printf "%s\n%s" $plain $secret | sha256sum }}
{{- end }}
