#!/usr/bin/env bash
# Renders what is committed for those who have kubectl alone: all.yaml, which is
# the dev overlay, and the alerts as the Prometheus operator takes them.
#   render.sh [DIR]   writes into DIR instead of their places
set -euo pipefail
cd "$(dirname "$0")"
: "${TOOLS:?set TOOLS to where kustomize is}"
readonly runbooks=https://souk.example/blob/main/ # where a fork keeps docs/
all=k8s/all.yaml rules=k8s/components/monitoring/rules.yaml
if [ $# = 1 ]; then
	mkdir -p "$1"
	all=$1/all.yaml rules=$1/rules.yaml
fi
{
	printf '# Rendered from deploy/observability/rules.yml by make render.\n'
	printf 'apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: souk\nspec:\n'
	grep -v '^#' observability/rules.yml | sed "s/^/  /; s/ *\$//; s|runbook: docs/|runbook_url: ${runbooks}docs/|"
} >"$rules"
{
	printf '# Rendered from overlays/dev by make render.\n'
	"$TOOLS/kustomize" build k8s/overlays/dev
} >"$all"
