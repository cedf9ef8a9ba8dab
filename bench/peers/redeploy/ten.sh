#!/bin/sh
# Ten releases by hand. From the environment: CHART VALUES HELM KUBECTL KUBECONFIG PREFIX
set -eu
for number in 1 2 3 4 5 6 7 8 9 10; do
    "$HELM" upgrade --install small "$CHART" -n "$PREFIX-$number" --create-namespace -f "$VALUES"
    "$KUBECTL" rollout restart deployment/small -n "$PREFIX-$number"
done
for number in 1 2 3 4 5 6 7 8 9 10; do
    "$KUBECTL" rollout status deployment/small -n "$PREFIX-$number" --timeout 3m
done
