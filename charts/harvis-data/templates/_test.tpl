{{/* A pod that runs one command once and passes when it exits 0. (root, component, name, namespace, image, command; env) */}}
{{- define "platform.testPod" -}}
{{- $annotations := dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "platform.metadata" (merge (dict "annotations" $annotations) .) | nindent 2 }}
spec:
  {{- include "platform.podDefaults" . | nindent 2 }}
  restartPolicy: Never
  containers:
    - name: test
      image: {{ .image }}
      {{- include "platform.containerDefaults" .root | nindent 6 }}
      command:
        {{- toYaml .command | nindent 8 }}
      {{- with .env }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      resources:
        requests: {cpu: 50m, memory: 64Mi}
        limits: {cpu: "1", memory: 512Mi}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
  volumes:
    {{- include "platform.tmpVolume" "tmp" | nindent 4 }}
{{- end }}
