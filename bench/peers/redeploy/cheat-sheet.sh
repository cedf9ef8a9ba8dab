#!/bin/sh
# The steps that people keep in a note: build all, load all, apply, restart, wait.
# From the environment: BASE APPS CHARTS VALUES HELM KUBECTL KUBECONFIG CONTAINERD WORKERS_NAMESPACE APP_NAMESPACE CA_BUNDLE DOCKER_HOST
set -eu
export DOCKER_BUILDKIT=1
build() {
    docker build --quiet --network host --secret "id=ca,src=$CA_BUNDLE" --build-arg "BASE=$BASE" "$@"
}
for worker in indexer resonance reteller; do
    build -t "sheet.local/vhm-$worker:0.1.0" -f "$APPS/vhm/docker/worker.Dockerfile" \
        --build-arg "WORKER_MODULE=workers.vhm_$worker.main" "$APPS/vhm"
done
build -t sheet.local/harvis-backend:0.1.0 -f "$APPS/harvis/docker/backend.Dockerfile" --build-arg SPEECH=cpu "$APPS/harvis"

# In place of `minikube docker-env`: the cluster has a containerd of its own.
docker save sheet.local/vhm-indexer:0.1.0 sheet.local/vhm-resonance:0.1.0 sheet.local/vhm-reteller:0.1.0 \
    sheet.local/harvis-backend:0.1.0 | ctr --address "$CONTAINERD" --namespace k8s.io images import -

"$HELM" upgrade --install harvis-data "$CHARTS/harvis-data" -n "$WORKERS_NAMESPACE" --create-namespace -f "$VALUES/data.json" --wait --timeout 7m
# Once; a note says nothing of topics, and the workers wait for them.
for topic in ${TOPICS:-}; do
    "$KUBECTL" exec -n "$WORKERS_NAMESPACE" kafka-0 -- /opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 \
        --create --if-not-exists --partitions 3 --topic "$topic"
done
"$HELM" upgrade --install harvis-prod "$CHARTS/harvis" -n "$APP_NAMESPACE" --create-namespace -f "$VALUES/app.json" --timeout 7m

for worker in indexer resonance reteller; do "$KUBECTL" rollout restart "deployment/$worker" -n "$WORKERS_NAMESPACE"; done
"$KUBECTL" rollout restart deployment/harvis-backend -n "$APP_NAMESPACE"
for worker in indexer resonance reteller; do "$KUBECTL" rollout status "deployment/$worker" -n "$WORKERS_NAMESPACE" --timeout 7m; done
"$KUBECTL" rollout status deployment/harvis-backend -n "$APP_NAMESPACE" --timeout 7m
