#!/usr/bin/env bash
# Plants one mistake of each kind in a copy of this folder, and fails when
# the part of check.sh that is to notice lets one pass.
set -euo pipefail
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# plant PART WHAT FILE SED EXPECTED: that part of check.sh must fail and say EXPECTED.
plant() {
	local part=$1 what=$2 file=$3 change=$4 expected=$5
	rm -rf "$scratch/deploy"
	cp -R . "$scratch/deploy"
	sed -i.bak "$change" "$scratch/deploy/$file"
	if cmp -s "$file" "$scratch/deploy/$file"; then
		echo "$what: nothing was planted in $file"; exit 1
	fi
	rm "$scratch/deploy/$file.bak"
	if "$scratch/deploy/check.sh" "$part" >"$scratch/out" 2>&1 || ! grep -qF -- "$expected" "$scratch/out"; then
		echo "$what: not noticed"; tail -5 "$scratch/out"; exit 1
	fi
	echo "noticed: $what"
}

plant overlays "a field Kubernetes does not know" k8s/kit/deployment.yaml 's/timeoutSeconds: 2/timeOutSeconds: 2/' "'timeOutSeconds' not allowed"
plant components "a field Istio does not know" k8s/components/istio/mesh.yaml 's/perTryTimeout/perTryTimeOut/' "'perTryTimeOut' not allowed"
plant overlays "a resource that is not there" k8s/base/order/kustomization.yaml 's/kit$/kitt/' "kitt"
plant overlays "a writable root" k8s/kit/deployment.yaml 's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/' "writable root filesystem"
plant components "two autoscalers of one service" k8s/components/keda/kustomization.yaml 's/(inventory|order|/(inventory|/' "8 autoscalers"
plant mixes "a component that does not fit the overlays" k8s/components/istio/kustomization.yaml 's/name: service$/name: [service]/' "does not build with istio"
plant rendered "manifests that were not rendered" k8s/overlays/dev/souk.env 's/=all/=off/' "-  SOUK_ACCESS_LOG: all"
plant rendered "alerts that were not rendered" observability/rules.yml 's/> 5000$/> 5001/' "> 5001"
plant alerts "an alert that does not parse" observability/rules.yml 's/sum by (group)/sum by group/' "parse error"
plant alerts "an alert that its fault does not raise" observability/rules.yml 's/> 60$/> 6000/' "OutboxStuck"
plant compose "a file that Compose does not know" compose/compose.yaml 's/stop_grace_period/stop_grace_perod/' "stop_grace_perod"
plant compose "a health check for newer Dockers" compose/compose.yaml 's/start_period: 4m/&\n    start_interval: 1s/' "start_interval"
plant compose "a service without a bound" compose/compose.yaml '/mem_limit: 384m/d' "memory is not limited"
