{{/* "true" when the container may use the card. (root, container) */}}
{{- define "harvis.hasCard" -}}
{{- $merged := .root.Values.mergedOllamaBackend }}
{{- if or (not $merged.enabled) (has $merged.gpuContainer (list "both" .container)) -}}
true
{{- end }}
{{- end }}

{{/* A container's resources, without cards when it may not use one. (root, container, resources) */}}
{{- define "harvis.resources" -}}
{{- $kept := dict }}
{{- range $kind, $amounts := .resources }}
{{- $allowed := dict }}
{{- range $name, $amount := $amounts }}
{{- if or (include "harvis.hasCard" $) (not (hasPrefix "nvidia.com/" $name)) }}
{{- $_ := set $allowed $name $amount }}
{{- end }}
{{- end }}
{{- $_ := set $kept $kind $allowed }}
{{- end }}
{{- toYaml $kept }}
{{- end }}

{{/* Keeps NVIDIA's runtime from giving a container every card of the node when it asks for none. (root, container) */}}
{{- define "harvis.cardEnv" -}}
{{- if not (include "harvis.hasCard" .) -}}
NVIDIA_VISIBLE_DEVICES: void
{{- end }}
{{- end }}

{{/* Environment of the backend that values give directly. */}}
{{- define "harvis.backendOwnEnv" -}}
{{- $own := include "harvis.cardEnv" (dict "root" . "container" "backend") | fromYaml }}
{{- $_ := set $own "HOME" "/tmp" }}
{{- $sources := list .Values.backend.env }}
{{- if .Values.mergedOllamaBackend.enabled }}
{{- $sources = append $sources .Values.mergedOllamaBackend.backend.env }}
{{- end }}
{{- range $sources }}
{{- range $name, $value := . }}
{{- $_ := set $own $name $value }}
{{- end }}
{{- end }}
{{- toYaml $own }}
{{- end }}

{{- define "harvis.backendImage" -}}
{{- $merged := .Values.mergedOllamaBackend }}
{{- ternary "" .Values.backend.image $merged.enabled | default $merged.backend.image }}
{{- end }}

{{/* The backend container; merged or not, the two differ in image and resources alone. */}}
{{- define "harvis.backendContainer" -}}
{{- $merged := .Values.mergedOllamaBackend }}
{{- $resources := ternary $merged.resources .Values.backend.resources $merged.enabled }}
{{- $own := include "harvis.backendOwnEnv" . | fromYaml }}
{{- $scope := (include "harvis.scopes" . | fromYaml).backend -}}
name: backend
image: {{ include "harvis.backendImage" . }}
{{ include "platform.containerDefaults" . }}
env:
  {{- include "harvis.variableEnv" (dict "root" . "reader" "backend" "scope" $scope "own" $own) | trim | nindent 2 }}
  {{- include "platform.env" (list $own) | trim | nindent 2 }}
ports:
  - name: http
    containerPort: 8000
# Importing torch from a cold disk takes minutes.
startupProbe:
  {{- include "platform.httpProbe" (dict "path" "/health" "port" "http" "period" 2 "failures" 150) | nindent 2 }}
livenessProbe:
  {{- include "platform.httpProbe" (dict "path" "/health" "port" "http" "failures" 6) | nindent 2 }}
readinessProbe:
  {{- include "platform.httpProbe" (dict "path" "/ready" "port" "http" "period" 5) | nindent 2 }}
resources:
  {{- include "harvis.resources" (dict "root" . "container" "backend" "resources" $resources) | nindent 2 }}
volumeMounts:
  - name: backend-tmp
    mountPath: /tmp
{{- end }}
