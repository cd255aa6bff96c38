#!/usr/bin/env bash
# Backs up souk's five databases as they stand at one moment, while souk runs:
#
#   SOUK_BACKUP_DSN=mysql:USER:PASSWORD@tcp(HOST:PORT)/ deploy/backup.sh FILE.sql.gz
#
# USER may SELECT in all five. Their names are those in SOUK_DATABASE_DSN_<SERVICE>
# where that is set, or else the services'. One connection reads them in one
# transaction with a consistent snapshot, which InnoDB takes of all databases of a
# server at once; so they must stand on one server. A migration meanwhile makes it
# fail: run it again. FILE.sql.gz.sha256, written last, says that it is whole.
set -euo pipefail
. "$(dirname "$0")/databases.sh"

# name_databases refuses what stands elsewhere: two servers have no moment in common.
name_databases() {
	local service dsn
	databases=()
	for service in user inventory order payment points; do
		dsn=SOUK_DATABASE_DSN_${service^^}
		dsn=${!dsn:-mysql:@tcp($address)/$service}
		[[ $dsn == *"@tcp($address)/"* ]] || die "the database of $service is not on $address, or its DSN writes that otherwise"
		dsn=${dsn##*"@tcp($address)/"}
		databases+=("${dsn%%\?*}")
	done
}

# holds DATABASE TABLE...: what the account may not read would be left out without
# a word.
holds() {
	local database=$1 table n; shift
	for table in "$@"; do
		n=$(query "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '$database' AND table_name = '$table'")
		[[ $n == 1 ]] || die "$database has no table $table, or the account may not read it"
	done
}

[[ ${1:-} != --help ]] || { usage; exit 0; }
[[ $# == 1 && -n $1 && $1 != -* ]] || { usage >&2; exit 2; }
readonly file=$1
[[ -d $(dirname "$file") ]] || die "$(dirname "$file") is no folder"
[[ ! -e $file && ! -e $file.sha256 ]] || die "$file is there already"
connect
name_databases
holds "${databases[0]}" users session
holds "${databases[1]}" stock reservation event_log outbox consumer_progress
holds "${databases[2]}" orders event_log outbox consumer_progress
holds "${databases[3]}" payment wallet ledger_entry event_log outbox consumer_progress
holds "${databases[4]}" points_account points_entry event_log outbox consumer_progress

umask 077
partial=$file.partial
mariadb-dump --defaults-extra-file="$options" --single-transaction --hex-blob --skip-triggers --no-tablespaces \
	--databases "${databases[@]}" | gzip -1 >"$partial"
sync "$partial"
mv "$partial" "$file"
checksum "$file" >"$file.sha256.partial"
mv "$file.sha256.partial" "$file.sha256"
say "$file holds ${databases[*]}: $(stat -c %s "$file") bytes"
