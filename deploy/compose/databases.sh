#!/bin/sh
# Makes a database and an account for each service; MariaDB's image runs it once,
# when it starts with an empty volume.
set -eu
for name in user inventory order payment points; do
	mariadb --user=root --password="$MARIADB_ROOT_PASSWORD" <<-SQL
		CREATE DATABASE \`$name\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
		CREATE USER '$name'@'%' IDENTIFIED BY '$SOUK_DATABASE_PASSWORD';
		GRANT ALL PRIVILEGES ON \`$name\`.* TO '$name'@'%';
	SQL
done
