{{/* The model's name with its tag, as `ollama list` prints it. */}}
{{- define "harvis.modelReference" -}}
{{- $name := .Values.mergedOllamaBackend.ollama.model.name }}
{{- $name }}{{ if not (contains ":" (splitList "/" $name | last)) }}:latest{{ end }}
{{- end }}

{{/* What Ollama's server and the container that fetches the model have in common. (root; env) */}}
{{- define "harvis.ollamaContainer" -}}
{{- $ollama := .root.Values.mergedOllamaBackend.ollama }}
{{- $card := include "harvis.cardEnv" (dict "root" .root "container" "ollama") | fromYaml }}
{{- $own := dict "HOME" "/var/lib/ollama" "OLLAMA_MODELS" "/var/lib/ollama/models" -}}
image: {{ $ollama.image }}
{{ include "platform.containerDefaults" .root }}
env:
  {{- include "platform.env" (list $own $card $ollama.env .env) | trim | nindent 2 }}
{{- end }}

{{/* Volumes of Ollama that both containers mount, each with a /tmp of its own. */}}
{{- define "harvis.ollamaMounts" -}}
- name: models
  mountPath: /var/lib/ollama
- name: ollama-tmp
  mountPath: /tmp
{{- end }}

{{/* The pod starts no server before the volume holds the model: Ready means that the model is there. */}}
{{- define "harvis.modelContainer" -}}
{{- $model := .Values.mergedOllamaBackend.ollama.model }}
{{- $env := dict
      "OLLAMA_HOST" "127.0.0.1:11435"
      "MODEL" (include "harvis.modelReference" .)
      "TEST_WEIGHTS" $model.testWeights
      "TERMINATION_LOG" "/dev/termination-log" -}}
name: model
command: [/bin/sh, /etc/harvis/ensure-model.sh]
{{ include "harvis.ollamaContainer" (dict "root" . "env" $env) }}
resources:
  {{- toYaml $model.resources | nindent 2 }}
volumeMounts:
  {{- include "harvis.ollamaMounts" . | nindent 2 }}
  - name: model-script
    mountPath: /etc/harvis
{{- end }}

{{- define "harvis.ollamaServer" -}}
{{- $ollama := .Values.mergedOllamaBackend.ollama -}}
name: ollama
command: [ollama, serve]
{{ include "harvis.ollamaContainer" (dict "root" . "env" (dict "OLLAMA_HOST" "0.0.0.0:11434")) }}
ports:
  - name: ollama
    containerPort: 11434
startupProbe:
  {{- include "platform.httpProbe" (dict "path" "/" "port" "ollama" "period" 1 "failures" 300) | nindent 2 }}
livenessProbe:
  {{- include "platform.httpProbe" (dict "path" "/" "port" "ollama" "failures" 6) | nindent 2 }}
readinessProbe:
  {{- include "platform.httpProbe" (dict "path" "/api/tags" "port" "ollama" "period" 5) | nindent 2 }}
resources:
  {{- include "harvis.resources" (dict "root" . "container" "ollama" "resources" $ollama.resources) | nindent 2 }}
volumeMounts:
  {{- include "harvis.ollamaMounts" . | nindent 2 }}
{{- end }}

{{- define "harvis.ollamaVolumes" -}}
{{- $hostPath := .Values.mergedOllamaBackend.ollama.persistence.hostPath }}
{{- if $hostPath }}
{{- include "platform.hostPathVolume" (dict "name" "models" "path" $hostPath) }}
{{- else -}}
- name: models
  persistentVolumeClaim:
    claimName: harvis-ollama-models
{{- end }}
{{ include "platform.tmpVolume" "ollama-tmp" }}
- name: model-script
  configMap:
    name: harvis-ollama-model
{{- end }}
