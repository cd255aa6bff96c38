#!/usr/bin/env bash
# Installs the engines souk runs on without containers: redis-server, MariaDB
# and Java by apt, and Apache Kafka's jars from Maven Central. It adds only what
# is missing and leaves no service running: souk starts private engines itself.
#
#   SOUK_ENGINES   where Kafka's jars go (default ~/.cache/souk/engines)
set -euo pipefail

readonly here=$(cd "$(dirname "$0")" && pwd)
readonly pom=$here/../../tools/kafka/pom.xml
readonly engines=${SOUK_ENGINES:-$HOME/.cache/souk/engines}
readonly policy=/usr/sbin/policy-rc.d
readonly kafka_needs_java=17

# sbin holds mariadbd, and is not on every user's path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf 'infra-install: %s\n' "$*"; }
die() { printf 'infra-install: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# The packages that provide the commands which are missing.
missing_packages() {
	has redis-server || echo redis-server
	has mariadbd && has mariadb-install-db || echo mariadb-server
	has java || echo default-jre-headless
	has mvn || [[ -d $(kafka_dir) ]] || echo maven
}

as_root() {
	if [[ $EUID -eq 0 ]]; then "$@"
	elif has sudo; then sudo "$@"
	else die "root is needed to run: $* (there is no sudo)"
	fi
}

# Debian starts a service as soon as its package is unpacked, unless policy-rc.d
# says 101. One that stands there already is left alone.
forbid_services() {
	[[ ! -e $policy ]] || return 0
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
	as_root chmod 755 "$policy"
	trap 'as_root rm -f "$policy"' EXIT
}

# Nor shall a package that came with this script start with the machine.
disable_service() {
	has systemctl || return 0
	as_root systemctl disable --quiet "$1" 2>/dev/null || say "could not disable the service $1; it may start with the machine"
}

install_packages() {
	has apt-get || die "this is not a Debian-like system; install by hand, then run this again: ${*} (redis-server, mariadbd with mariadb-install-db, java >= $kafka_needs_java and mvn must be on the PATH)"
	say "apt-get install $*"
	forbid_services
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
	local package
	for package in "$@"; do
		case $package in
		redis-server) disable_service redis-server ;;
		mariadb-server) disable_service mariadb ;;
		esac
	done
}

check_java() {
	local version
	version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
	[[ ${version:-0} -ge $kafka_needs_java ]] || die "Kafka needs Java $kafka_needs_java or newer, $(command -v java) is ${version:-unknown}"
}

kafka_dir() {
	echo "$engines/kafka-$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$pom")"
}

# The directory appears whole or not at all, so that its presence is the proof.
install_kafka() {
	local dir partial output
	dir=$(kafka_dir)
	if [[ -d $dir ]]; then
		say "Kafka is in $dir"
		return
	fi
	say "fetching Kafka from Maven Central into $dir"
	mkdir -p "$engines"
	partial=$(mktemp -d "$engines/partial.XXXXXX")
	if ! output=$(mvn --quiet --batch-mode --strict-checksums -f "$pom" dependency:copy-dependencies -DoutputDirectory="$partial" 2>&1); then
		rm -rf "$partial"
		die "Maven could not fetch Kafka: $output"
	fi
	chmod 755 "$partial"
	mv "$partial" "$dir"
}

main() {
	local packages
	packages=$(missing_packages)
	if [[ -n $packages ]]; then
		install_packages $packages # one argument per package
	else
		say "Redis, MariaDB and Java are installed"
	fi
	check_java
	install_kafka
	say "done; start the engines with: make infra-up"
}

main "$@"
