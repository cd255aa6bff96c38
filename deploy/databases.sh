# What backup.sh and restore.sh share.
say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*"; }
die() { say "$@" >&2; exit 1; }

# usage prints the comment that the script begins with.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"; }

scratch=
partial= # a file that is not finished
trap 'rm -rf ${scratch:+"$scratch"} ${partial:+"$partial"}' EXIT

# The account goes into a file that only we can read: a command line is shown to
# everybody on the machine.
connect() {
	local form='^mysql:([^:]+):(.*)@tcp\(([^][()]+):([0-9]+)\)/[A-Za-z0-9_]*$'
	[[ ${SOUK_BACKUP_DSN:-} =~ $form ]] || die 'SOUK_BACKUP_DSN: want mysql:USER:PASSWORD@tcp(HOST:PORT)/ and no parameters: TLS is for the client'"'"'s own option files'
	local user=${BASH_REMATCH[1]} password=${BASH_REMATCH[2]} host=${BASH_REMATCH[3]} port=${BASH_REMATCH[4]}
	address=$host:$port
	scratch=$(mktemp -d)
	options=$scratch/client.cnf
	password=${password//\\/\\\\}
	(umask 077 && printf '[client]\nprotocol=tcp\nhost=%s\nport=%s\nuser="%s"\npassword="%s"\n' \
		"$host" "$port" "$user" "${password//\"/\\\"}" >"$options")
}

checksum() { sha256sum <"$1"; }

query() { mariadb --defaults-extra-file="$options" --batch --skip-column-names --execute "$1"; }

# in_list NAME... for SQL.
in_list() { local IFS=,; printf '%s' "(${*@Q})"; }
