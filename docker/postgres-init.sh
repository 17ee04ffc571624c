#!/bin/sh
# Runs once, in the official Postgres image, when the data is created: roles, database and rights of Toolberth.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
  --set owner_password="$OWNER_PASSWORD" --set app_password="$APP_PASSWORD" --file /roles.sql
createdb --username postgres --owner toolberth_owner --template template0 --encoding UTF8 toolberth
psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname postgres --command \
  'REVOKE ALL ON DATABASE toolberth FROM PUBLIC; GRANT CONNECT ON DATABASE toolberth TO toolberth_app'
