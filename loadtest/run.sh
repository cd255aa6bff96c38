#!/usr/bin/env bash
# Runs a k6 scenario against the souk that runs on this machine, then audits it.
#
#   make loadtest SCENARIO=smoke
#   make loadtest SCENARIO=checkout RATE=100 DURATION=60
#
# Exits 1 when a threshold or an invariant does not hold, 2 when it could not run.
# breakpoint looks for the rate at which a threshold is crossed: that is its answer,
# and no failure.
set -euo pipefail
cd "$(dirname "$0")/.."

scenario=${1:-}
case $scenario in
smoke | browse | checkout | flash-sale | spike | soak | breakpoint) ;;
*) echo "usage: loadtest/run.sh smoke|browse|checkout|flash-sale|spike|soak|breakpoint" >&2; exit 2 ;;
esac
if [[ ! ${DURATION:-1} =~ ^[1-9][0-9]{0,3}$ ]]; then
  echo "DURATION is $DURATION: want seconds" >&2
  exit 2
fi

souk=${SOUK_BIN:-bin/souk}
k6=bin/tools/k6
reports=bin/loadtest

say() { printf '%s\n' "$*" >&2; }

[[ -x $k6 ]] || { say "$k6 is missing: make loadtest installs it"; exit 2; }

status=$("$souk" status --json) || { say "souk is not up: run make up"; exit 2; }
url=$(sed -n 's/^ *"gateway_url": "\(.*\)",\{0,1\}$/\1/p' <<<"$status")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "putting demo data in place"
"$souk" seed || exit 2
say "minting users"
"$souk" token --count 2000 --json >"$work/users.json" || exit 2
"$souk" token --admin --json >"$work/admin.json" || exit 2

mkdir -p "$reports"
rm -f "$reports/$scenario".{html,json} # an old report is never taken for a new one
say "running $scenario against $url"
load=0
# Scenarios end by themselves: the longest without a DURATION take two minutes,
# and waiting for the last orders and checking them takes up to four.
K6_NO_USAGE_REPORT=true \
  K6_WEB_DASHBOARD=true K6_WEB_DASHBOARD_PORT=-1 K6_WEB_DASHBOARD_PERIOD=1s \
  K6_WEB_DASHBOARD_EXPORT="$reports/$scenario.html" \
  timeout $((${DURATION:-600} + 300)) "$k6" run --quiet --address '' --summary-export "$reports/$scenario.json" \
  -e BASE_URL="$url" -e USERS="$work/users.json" -e ADMIN="$work/admin.json" \
  -e RATE="${RATE:-}" -e DURATION="${DURATION:-}" "loadtest/$scenario.js" || load=$?
say "reports of longer runs: $reports/$scenario.html; of all: $reports/$scenario.json"

if [[ $scenario == breakpoint && ($load == 0 || $load == 99) ]]; then
  reached=$(sed -n '/"rate_reached"/,/}/s/.*"value": *\([0-9]*\).*/\1/p' "$reports/breakpoint.json")
  if [[ $load == 99 ]]; then say "broke at $reached arrivals per second"; else say "did not break up to $reached arrivals per second"; fi
  load=0
fi

say "auditing"
audit=0
report=$("$souk" audit --json --wait 5m) || audit=$?
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
