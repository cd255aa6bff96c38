#!/usr/bin/env bash
# Restores souk's five databases from what backup.sh has written, while no service
# runs:
#
#   SOUK_BACKUP_DSN=mysql:USER:PASSWORD@tcp(HOST:PORT)/ deploy/restore.sh [--replace] FILE.sql.gz
#
# USER may create and drop databases, and sees who is connected (PROCESS). They get
# the names they had. Nothing is touched unless the backup is whole; databases that
# hold tables are dropped with --replace only. If it fails halfway, run it again
# with --replace.
set -euo pipefail
. "$(dirname "$0")/databases.sh"

# tables NAME prints where tables of that name are.
tables() {
	query "SELECT CONCAT('\`', table_schema, '\`.', table_name) FROM information_schema.tables WHERE table_name = '$1' AND table_schema IN $names"
}

replace=no
[[ ${1:-} != --replace ]] || { replace=yes; shift; }
[[ ${1:-} != --help ]] || { usage; exit 0; }
[[ $# == 1 && $1 != -* ]] || { usage >&2; exit 2; }
readonly file=$1
[[ -f $file ]] || die "$file is no file"
[[ -e $file.sha256 ]] || die "$file.sha256 is missing: the backup did not end"
[[ $(checksum "$file") == "$(<"$file.sha256")" ]] || die "$file is not what was backed up"
mapfile -t databases < <(gzip -dc "$file" | sed -n 's/^USE `\(.*\)`;$/\1/p')
((${#databases[@]})) || die "$file holds no databases"
names=$(in_list "${databases[@]}")
connect

# Without PROCESS an account sees nobody but itself.
grants=$(query "SHOW GRANTS")
grep -Eq '(ALL PRIVILEGES|PROCESS).* ON \*\.\*' <<<"$grants" || die "the account lacks PROCESS, without which it cannot see who is connected"
connected=$(query "SELECT COUNT(*) FROM information_schema.processlist WHERE db IN $names")
[[ $connected == 0 ]] || die "somebody is connected to the databases: stop the services first"
held=$(query "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema IN $names")
[[ $held == 0 || $replace == yes ]] ||
	die "the databases hold $held tables: --replace drops them"

for name in "${databases[@]}"; do
	query "DROP DATABASE IF EXISTS \`$name\`"
done
gzip -dc "$file" | mariadb --defaults-extra-file="$options"

# Kafka begins anew, and so do the offsets. It may have held news of products, for
# which order does not ask: so order is to read inventory's list again.
for table in $(tables consumer_progress) $(tables price_snapshot); do
	query "DELETE FROM $table"
done
from=0
for table in $(tables event_log); do
	newest=$(query "SELECT COALESCE(MAX(at) DIV 1000000, 0) FROM $table")
	from=$((newest > from ? newest : from))
done
from=$(date -u -d "@$((from - 600))" +%FT%TZ)

say "restored ${databases[*]}. Next:
1. Redis and Kafka begin empty: flush the one, delete souk's topics of the other.
2. Start the services.
3. for group in inventory payment points order order-prices; do
     souk replay --group \$group --from $from  # ten minutes before the last event
   done
4. souk audit, and what docs/operations.md says of charges that it names."
