{{/*
Helpers that both charts of the platform use. Each chart must stand alone when it is packaged, so this
file lies in both; a test keeps the two the same.
*/}}

{{/* Labels that select pods. They never depend on values: a selector can't be changed later. (root, component) */}}
{{- define "platform.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Metadata of an object. (root, component, name, namespace; annotations) */}}
{{- define "platform.metadata" -}}
name: {{ .name }}
namespace: {{ .namespace }}
labels:
  {{- include "platform.selectorLabels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/part-of: harvis-platform
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
Metadata of a pod: no version and no chart label, so that a new chart version alone restarts nothing.
(root, component; annotations)
*/}}
{{- define "platform.podMetadata" -}}
labels:
  {{- include "platform.selectorLabels" . | nindent 2 }}
  app.kubernetes.io/part-of: harvis-platform
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What every pod has. Service links off: a Service called kafka would set KAFKA_PORT. (root; placement) */}}
{{- define "platform.podDefaults" -}}
enableServiceLinks: false
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .placement }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* What every container has. (root) */}}
{{- define "platform.containerDefaults" -}}
imagePullPolicy: {{ .Values.global.imagePullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* The writable /tmp of a container whose root file system is read-only. (name of the volume) */}}
{{- define "platform.tmpVolume" -}}
- name: {{ . }}
  emptyDir:
    sizeLimit: 1Gi
{{- end }}

{{/*
A hostPath volume. The folder must be there and belong to uid 10001: one that the kubelet makes belongs to
root, and the pod would fail only later, on its first write. (name, path)
*/}}
{{- define "platform.hostPathVolume" -}}
- name: {{ .name }}
  hostPath:
    path: {{ .path }}
    type: Directory
{{- end }}

{{/* What a claim asks for. (persistence) */}}
{{- define "platform.claimSpec" -}}
accessModes: [ReadWriteOnce]
{{- with .storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end }}

{{/* The type of a Service, and what belongs to that type. (service) */}}
{{- define "platform.serviceType" -}}
type: {{ .type }}
{{- if and (eq .type "LoadBalancer") .loadBalancerIP }}
loadBalancerIP: {{ .loadBalancerIP }}
{{- end }}
{{- end }}

{{/* One port of a Service; node port 0 leaves the choice to the cluster. (name, port, service) */}}
{{- define "platform.servicePort" -}}
- name: {{ .name }}
  port: {{ .port }}
  targetPort: {{ .name }}
  {{- if and (ne .service.type "ClusterIP") .service.nodePort }}
  nodePort: {{ .service.nodePort }}
  {{- end }}
{{- end }}

{{/* A scalar as text. Helm reads a whole number in a values file as a float and would print 1e+06. (scalar) */}}
{{- define "platform.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- printf "%.0f" . -}}
{{- else if not (kindIs "invalid" .) -}}
{{- toString . -}}
{{- end -}}
{{- end }}

{{/*
Maps as a container's env list, each name once; a later map wins, also with an empty value. The API server drops an
empty value, so it is not written: rendered and live stay equal. (list of maps)
*/}}
{{- define "platform.env" -}}
{{- $env := dict }}
{{- range . }}
{{- range $name, $value := . }}
{{- $_ := set $env $name (include "platform.text" $value) }}
{{- end }}
{{- end }}
{{- range $name, $value := $env }}
- name: {{ $name }}
  {{- if $value }}
  value: {{ toJson $value }}
  {{- end }}
{{- end }}
{{- end }}

{{/* An HTTP probe. (path, port; period, failures) */}}
{{- define "platform.httpProbe" -}}
httpGet:
  path: {{ .path }}
  port: {{ .port }}
{{ include "platform.probeTiming" . }}
{{- end }}

{{/* A probe that only connects. (port; period, failures) */}}
{{- define "platform.tcpProbe" -}}
tcpSocket:
  port: {{ .port }}
{{ include "platform.probeTiming" . }}
{{- end }}

{{- define "platform.probeTiming" -}}
periodSeconds: {{ .period | default 10 }}
timeoutSeconds: 5
failureThreshold: {{ .failures | default 3 }}
{{- end }}
