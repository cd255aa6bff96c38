#!/usr/bin/env bash
# Runs a k6 scenario against the souk that runs on this machine, then audits it.
#
#   loadtest/run.sh smoke
#   RATE=100 DURATION=60 loadtest/run.sh checkout
#
# Exits 1 when a threshold or an invariant does not hold, 2 when it could not run.
set -euo pipefail
cd "$(dirname "$0")/.."

scenario=${1:-}
case $scenario in
smoke | checkout) ;;
*) echo "usage: loadtest/run.sh smoke|checkout" >&2; exit 2 ;;
esac

souk=${SOUK_BIN:-bin/souk}
k6=bin/tools/k6
reports=bin/loadtest

say() { printf '%s\n' "$*" >&2; }

if [[ ! -x $k6 ]]; then
  say "installing k6"
  (cd tools/k6 && GOWORK=off GOBIN="$OLDPWD/bin/tools" go install tool) || exit 2
fi

status=$("$souk" status --json) || { say "souk is not up: run make up"; exit 2; }
url=$(sed -n 's/^ *"gateway_url": "\(.*\)",\{0,1\}$/\1/p' <<<"$status")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "putting demo data in place"
"$souk" seed || exit 2
say "minting users"
"$souk" token --count 200 --json >"$work/users.json" || exit 2

mkdir -p "$reports"
rm -f "$reports/$scenario".{html,json} # an old report is never taken for a new one
say "running $scenario against $url"
load=0
K6_NO_USAGE_REPORT=true \
  K6_WEB_DASHBOARD=true K6_WEB_DASHBOARD_PORT=-1 K6_WEB_DASHBOARD_PERIOD=1s \
  K6_WEB_DASHBOARD_EXPORT="$reports/$scenario.html" \
  timeout 240 "$k6" run --quiet --address '' --summary-export "$reports/$scenario.json" \
  -e BASE_URL="$url" -e USERS="$work/users.json" -e RATE="${RATE:-}" -e DURATION="${DURATION:-}" \
  "loadtest/$scenario.js" || load=$?
say "reports of longer runs: $reports/$scenario.html; of all: $reports/$scenario.json"

say "auditing"
audit=0
report=$("$souk" audit --json) || audit=$?
say "$report"
if [[ $audit == 0 && $report != *'"at_rest": true'* ]]; then
  say "$scenario did not hold: orders are still under way"
  audit=1
fi

case "$load $audit" in
"0 0") say "$scenario held" ;;
"99 0") say "$scenario did not hold: a threshold was crossed"; exit 1 ;;
*" 1") say "$scenario did not hold: the audit found violations"; exit 1 ;;
*) say "$scenario could not be judged (k6 $load, audit $audit)"; exit 2 ;;
esac
