#!/usr/bin/env bash
# Deploys souk to the development cluster that kubectl points at, as docs/operations.md
# says, and shows that it works there: the API server takes the manifests without a
# warning, every pod is Ready, each service is restarted under load without one failed
# request, and the audit finds nothing.
#
#   deploy/k8s/accept.sh   IMAGE (souk:dev), which the nodes must have
#                          FROM: deploys this image first, and goes to IMAGE under load
#                          RATE: customers per second (20), each with six requests
#
# Wants a cluster without souk, whose NodePorts are to be reached at 127.0.0.1, and
# leaves souk there: kubectl delete namespace souk. Exits 1 when something is not as it
# should be.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly image=${IMAGE:-souk:dev} rate=${RATE:-20}
readonly from=${FROM:-$image}
readonly services=(user inventory order payment points gateway)
readonly node_port=30080 sql_port=23306
readonly url=http://127.0.0.1:$node_port
readonly work=$(mktemp -d)
background=()
trap 'kill "${background[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

say() { printf '== %s (%s)\n' "$*" "$(date -u +%T)"; }
die() { printf 'accept: %s\n' "$*" >&2; exit 1; }
k() { kubectl -n souk "$@"; }

# manifests IMAGE: the dev overlay with that image.
manifests() { kubectl kustomize deploy/k8s/overlays/dev | sed "s|image: souk:dev\$|image: $1|"; }

accepted() { kubectl apply --server-side --dry-run=server --validate=strict --warnings-as-errors -f - >/dev/null; }

deploy() {
	kubectl apply --server-side --warnings-as-errors -f deploy/k8s/base/namespace.yaml
	manifests "$from" | accepted
	manifests "$from" | kubectl apply --server-side --warnings-as-errors -f - >/dev/null
	bin/souk secrets | kubectl create -f -
	k wait --for=condition=complete job/demo-data --timeout=10m
	for s in "${services[@]}"; do k rollout status "deployment/$s" --timeout=5m; done
	k expose service gateway --name=gateway-accept --type=NodePort --port=8080 --target-port=http \
		--overrides="{\"spec\":{\"ports\":[{\"port\":8080,\"targetPort\":\"http\",\"nodePort\":$node_port}]}}"
	reached "$url/readyz"
}

reached() {
	for _ in $(seq 60); do curl -fsS -o /dev/null "$1" 2>/dev/null && return; sleep 1; done
	die "$1 does not answer"
}

# forward TARGET PORT REMOTE lasts until the script ends or the pod does.
forward() {
	k port-forward "$1" "$2:$3" >/dev/null &
	background+=($!)
	for _ in $(seq 60); do
		kill -0 "${background[-1]}" 2>/dev/null || break
		(exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null && return
		sleep 0.5
	done
	die "cannot reach $1"
}

secret() { k get secret "$1" -o "jsonpath={.data['$2']}" | base64 -d; }

# customers makes users with wallets, and mints their tokens.
customers() {
	forward statefulset/mariadb "$sql_port" 3306
	local s dsn
	for s in user payment; do
		dsn=$(secret souk-databases "$s")
		export "SOUK_DATABASE_DSN_${s^^}=${dsn/mariadb:3306/127.0.0.1:$sql_port}"
	done
	SOUK_JWT_PRIVATE_KEY=$(secret souk-jwt private) bin/souk token --count 2000 --json >"$work/users.json"
	SOUK_JWT_PRIVATE_KEY=$(secret souk-jwt private) bin/souk token --admin --json >"$work/admin.json"
}

# confined IMAGE: every pod of a service runs it, and every container is Ready, not
# root, and cannot write its own root.
confined() {
	k get pods -o json | python3 -c '
import json, sys
image, services = sys.argv[1], set(sys.argv[2:])
seen, bad = set(), []
for pod in json.load(sys.stdin)["items"]:
    name, spec, status = pod["metadata"]["name"], pod["spec"], pod["status"]
    if status["phase"] == "Succeeded" or "deletionTimestamp" in pod["metadata"]:
        continue
    ready = {s["name"]: s["ready"] for s in status.get("containerStatuses", [])}
    service = pod["metadata"]["labels"].get("app.kubernetes.io/name")
    if service in services:
        seen.add(service)
        if any(c["image"] != image for c in spec["containers"]):
            bad.append(f"{name} does not run {image}")
    for c in spec["containers"] + spec.get("initContainers", []):
        if not (spec["securityContext"].get("runAsNonRoot") and c["securityContext"].get("readOnlyRootFilesystem")):
            bad.append(f"{name}/{c['name']} may be root, or write")
    bad += [f"{name}/{c['name']} is not Ready" for c in spec["containers"] if not ready.get(c["name"])]
bad += [f"{s} has no pod" for s in services - seen]
sys.exit("\n".join(bad) or 0)' "$1" "${services[@]}"
}

# under_load COMMAND...: it must end within the load, of which no request may fail.
under_load() {
	bin/tools/k6 run --quiet --address '' --summary-export "$work/load.json" -e BASE_URL="$url" -e RATE="$rate" -e DURATION=150 \
		-e USERS="$work/users.json" -e ADMIN="$work/admin.json" loadtest/rollout.js >"$work/load.log" 2>&1 &
	local load=$!
	background+=("$load")
	sleep 5 # until it is under way
	"$@"
	kill -0 "$load" 2>/dev/null || { tail "$work/load.log"; die "the load ended before: $*"; }
	wait "$load" || { tail -40 "$work/load.log"; die "the load did not hold"; }
	python3 - "$work/load.json" <<-'PY'
		import json, sys
		m = json.load(open(sys.argv[1]))["metrics"]
		print(f"{m['http_reqs']['count']} requests, {m['http_req_failed']['passes']} failed, of {m['checks']['passes'] + m['checks']['fails']} checks {m['checks']['fails']} failed")
	PY
}

roll() {
	for s in "$@"; do
		k rollout restart "deployment/$s" >/dev/null
		k rollout status "deployment/$s" --timeout=5m | tail -1
	done
}

# upgrade goes the way of docs/operations.md: the schema first, then the services.
upgrade() {
	k get secret souk-databases -o json | python3 -c '
import json, sys
s = json.load(sys.stdin)
s["metadata"] = {"name": "souk-databases-ddl"}
json.dump(s, sys.stdout)' | k apply -f - >/dev/null
	kubectl kustomize deploy/k8s/migrate | sed "s|image: .*/souk:.*|image: $image|" | kubectl apply --server-side --warnings-as-errors -f - >/dev/null
	k wait --for=condition=complete job/migrate --timeout=5m
	k logs job/migrate
	k delete job demo-data --ignore-not-found >/dev/null # a Job's image does not change
	manifests "$image" | kubectl apply --server-side --warnings-as-errors -f - >/dev/null
	for s in "${services[@]}"; do k rollout status "deployment/$s" --timeout=5m | tail -1; done
}

audited() {
	k delete job accept-audit --ignore-not-found >/dev/null
	k create job --from=cronjob/audit accept-audit >/dev/null
	k wait --for=condition=complete job/accept-audit --timeout=6m || { k logs job/accept-audit --tail=20; die "the audit did not end well"; }
	k logs job/accept-audit | grep -E '"(clean|at_rest|orders|charges|points)"'
}

kubectl version >/dev/null || die "kubectl reaches no cluster"
[[ -z $(kubectl get namespace souk --ignore-not-found -o name) ]] || die "there is a namespace souk already"
[[ -x bin/souk && -x bin/tools/k6 ]] || die "make check-cluster builds what this needs"
say "deploying $from"; deploy
say "every pod is Ready, nonroot, with a read-only root"; confined "$from"
customers
if [[ $from != "$image" ]]; then say "from $from to $image, schema first, under load"; under_load upgrade; fi
say "restarting every service under load"; under_load roll "${services[@]}"; confined "$image"
say "audit"; audited
say "done"
