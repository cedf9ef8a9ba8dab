{{/* The headless Service that a StatefulSet needs, and the one that clients use. (root, component, port) */}}
{{- define "data.services" -}}
{{- $component := .component }}
{{- range $name := list $component (printf "%s-headless" $component) }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "platform.metadata" (dict "root" $.root "component" $component "name" $name "namespace" $.root.Values.global.namespace) | nindent 2 }}
spec:
  type: ClusterIP
  {{- if ne $name $component }}
  clusterIP: None
  {{- end }}
  selector:
    {{- include "platform.selectorLabels" $ | nindent 4 }}
  ports:
    - name: {{ $.port.name }}
      port: {{ $.port.number }}
      targetPort: {{ $.port.name }}
{{- end }}
{{- end }}

{{/* The claim for the volume `data`, unless a folder of the node is given. (root, component, persistence) */}}
{{- define "data.claims" -}}
{{- if not .persistence.hostPath }}
volumeClaimTemplates:
  - metadata:
      name: data
      labels:
        {{- include "platform.selectorLabels" . | nindent 8 }}
    spec:
      {{- include "platform.claimSpec" .persistence | nindent 6 }}
{{- end }}
{{- end }}

{{/* The volumes of a pod besides its claim. (persistence) */}}
{{- define "data.volumes" -}}
{{- include "platform.tmpVolume" "tmp" }}
{{- with .hostPath }}
{{ include "platform.hostPathVolume" (dict "name" "data" "path" .) }}
{{- end }}
{{- end }}
