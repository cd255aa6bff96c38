#!/usr/bin/env bash
# Writes deploy/k8s/schemas anew, from these versions. Needed when one of them, or
# the list of kinds in tools/deploy/schemas, changes; the result is committed.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
dir() { (cd / && go mod download -json "$1") | sed -n 's/.*"Dir": "\(.*\)",/\1/p'; }

kubernetes=$(dir k8s.io/kubernetes@v1.36.3)
gateway=$(dir sigs.k8s.io/gateway-api@v1.6.3)/config/crd/standard
istio=$(dir istio.io/api@v1.31.1)/kubernetes
keda=$(dir github.com/kedacore/keda/v2@v2.21.0)/config/crd/bases
rollouts=$(dir github.com/argoproj/argo-rollouts@v1.10.1)/manifests/crds
prometheus=$(dir github.com/prometheus-operator/prometheus-operator@v0.85.0)/example/prometheus-operator-crd

rm -rf schemas
cd ../../tools/deploy
GOWORK=off go run ./schemas "$here/schemas" "$kubernetes/api/openapi-spec/swagger.json" \
	"$gateway"/*_{gateways,httproutes}.yaml "$istio"/customresourcedefinitions.gen.yaml "$keda"/keda.sh_scaledobjects.yaml \
	"$rollouts"/{rollout,analysis-template}-crd.yaml "$prometheus"/*_{podmonitors,prometheusrules}.yaml
