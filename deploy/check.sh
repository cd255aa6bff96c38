#!/usr/bin/env bash
# Checks what is shipped, without a cluster: that the manifests render, say only
# what Kubernetes knows, and are what kube-score calls safe; that what is rendered
# is up to date; that the alerts parse and fire in their tests; that Compose's
# file says only what its specification knows. TOOLS holds the programs.
#   check.sh [PART...]   overlays, migrate, components, mixes, alerts, compose, rendered; all without a word
set -euo pipefail
cd "$(dirname "$0")"
: "${TOOLS:?set TOOLS to where the tools are}"
scratch=$(mktemp -d k8s/.check-XXXXXX)
trap 'rm -rf "$scratch"' EXIT

say() { printf '== %s\n' "$*"; }
render() { "$TOOLS/kustomize" build "$1"; }

conform() { "$TOOLS/kubeconform" -strict -schema-location 'k8s/schemas/{{.ResourceKind}}{{.KindSuffix}}.json' "$1"; }

# check FILE: an exact tag needs no pull every time.
check() {
	conform "$1"
	"$TOOLS/kube-score" score --ignore-test container-image-pull-policy --output-format ci "$1" >"$scratch/score" || true
	if grep -F '[CRITICAL]' "$scratch/score"; then return 1; fi
}

# with COMPONENT...: the base with these components.
with() {
	mkdir -p "$scratch/with"
	printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: souk\nimages: [{name: souk, newTag: checked}]\nresources: [../../base]\ncomponents:\n' >"$scratch/with/kustomization.yaml"
	printf -- '- ../../components/%s\n' "$@" >>"$scratch/with/kustomization.yaml"
	render "$scratch/with"
}

overlays() {
	local overlay
	for overlay in k8s/overlays/*; do
		say "$overlay"
		render "$overlay" >"$scratch/rendered.yaml"
		check "$scratch/rendered.yaml"
	done
}

migrate() {
	say "k8s/migrate, where prod is"
	(render k8s/overlays/prod && printf -- '---\n' && render k8s/migrate) >"$scratch/rendered.yaml"
	check "$scratch/rendered.yaml"
}

components() {
	say "all components together"
	with engines volumes network-policies gateway-api istio canary keda monitoring rollouts >"$scratch/rendered.yaml"
	check "$scratch/rendered.yaml"
	local n
	n=$(grep -cE '^kind: (HorizontalPodAutoscaler|ScaledObject)$' "$scratch/rendered.yaml")
	[ "$n" = 7 ] || { echo "$n autoscalers for 6 services and a canary"; return 1; }
}

# lacking OVERLAY: the components that neither it nor what it stands on names.
lacking() {
	local files=(k8s/overlays/"$1"/kustomization.yaml)
	if grep -q '^  - \.\./dev$' "${files[0]}"; then files+=(k8s/overlays/dev/kustomization.yaml); fi
	comm -23 <(ls k8s/components) <(sed -n 's|^  - .*/components/||p' "${files[@]}" | sort)
}

mixes() {
	say "each overlay with each component that it lacks"
	mkdir "$scratch/mix" "$scratch/mixes"
	local overlay component
	for overlay in $(ls k8s/overlays); do
		for component in $(lacking "$overlay"); do
			printf 'resources: [../../overlays/%s]\ncomponents: [../../components/%s]\n' "$overlay" "$component" >"$scratch/mix/kustomization.yaml"
			render "$scratch/mix" >"$scratch/mixes/$overlay-$component.yaml" || { echo "$overlay does not build with $component"; return 1; }
		done
	done
	conform "$scratch/mixes"
}

alerts() {
	say "alerts"
	"$TOOLS/promtool" check config --lint=all --lint-fatal observability/prometheus.yml
	"$TOOLS/promtool" check rules --lint=all --lint-fatal observability/rules.yml
	"$TOOLS/promtool" test rules observability/rules_test.yml
}

compose() {
	say compose
	"$TOOLS/compose" compose/compose.yaml
}

rendered() {
	say "k8s/all.yaml and the monitoring component's rules are up to date"
	./render.sh "$scratch/fresh"
	diff -u k8s/all.yaml "$scratch/fresh/all.yaml"
	diff -u k8s/components/monitoring/rules.yaml "$scratch/fresh/rules.yaml"
}

[ $# -gt 0 ] || set -- overlays migrate components mixes alerts compose rendered
for part; do "$part"; done
say "in order: $*"
