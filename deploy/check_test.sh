#!/usr/bin/env bash
# Plants one mistake of each kind in a copy of this folder, and fails when
# check.sh lets one pass.
set -euo pipefail
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# plant WHAT FILE SED EXPECTED: check.sh must fail and say EXPECTED.
plant() {
	rm -rf "$scratch/deploy"
	cp -R . "$scratch/deploy"
	sed -i.bak "$3" "$scratch/deploy/$2"
	if cmp -s "$2" "$scratch/deploy/$2"; then
		echo "$1: nothing was planted in $2"; exit 1
	fi
	rm "$scratch/deploy/$2.bak"
	if "$scratch/deploy/check.sh" >"$scratch/out" 2>&1 || ! grep -qF -- "$4" "$scratch/out"; then
		echo "$1: not noticed"; tail -5 "$scratch/out"; exit 1
	fi
	echo "noticed: $1"
}

plant "a field Kubernetes does not know" k8s/kit/deployment.yaml 's/timeoutSeconds: 2/timeOutSeconds: 2/' "'timeOutSeconds' not allowed"
plant "a field Istio does not know" k8s/components/istio/mesh.yaml 's/perTryTimeout/perTryTimeOut/' "'perTryTimeOut' not allowed"
plant "a resource that is not there" k8s/base/order/kustomization.yaml 's/kit$/kitt/' "kitt"
plant "a writable root" k8s/kit/deployment.yaml 's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/' "writable root filesystem"
plant "two autoscalers of one service" k8s/components/keda/kustomization.yaml 's/(inventory|order|/(inventory|/' "7 autoscalers"
plant "manifests that were not rendered" k8s/overlays/dev/souk.env 's/=all/=off/' "-  SOUK_ACCESS_LOG: all"
plant "alerts that were not rendered" observability/rules.yml 's/> 5000$/> 5001/' "> 5001"
plant "an alert that does not parse" observability/rules.yml 's/sum by (group)/sum by group/' "parse error"
plant "an alert that its fault does not raise" observability/rules.yml 's/> 60$/> 6000/' "OutboxStuck"
plant "a file that Compose does not know" compose/compose.yaml 's/stop_grace_period/stop_grace_perod/' "stop_grace_perod"
plant "a service without a bound" compose/compose.yaml '/mem_limit: 384m/d' "memory is not limited"
