-- The three roles of Toolberth, for a Postgres of your own (17 or newer). Run once as a superuser, and again at any time:
--
--   psql -v owner_password="$OWNER_PASSWORD" -v app_password="$APP_PASSWORD" -f scripts/services/roles.sql postgres
--   createdb --owner toolberth_owner --template template0 --encoding UTF8 toolberth
--   psql -c 'REVOKE ALL ON DATABASE toolberth FROM PUBLIC; GRANT CONNECT ON DATABASE toolberth TO toolberth_app' postgres
--
-- toolberth_owner owns the tables and runs migrations (DATABASE_OWNER_URL). toolberth_app is what the processes sign in as
-- (DATABASE_URL); row-level security binds it. toolberth_definer owns the named look-up functions and cannot sign in.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toolberth_owner') THEN
    CREATE ROLE toolberth_owner;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toolberth_app') THEN
    CREATE ROLE toolberth_app;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toolberth_definer') THEN
    CREATE ROLE toolberth_definer;
  END IF;
END
$$;

ALTER ROLE toolberth_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'owner_password';
ALTER ROLE toolberth_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'app_password';
ALTER ROLE toolberth_definer NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION;

-- Late commits are never skipped by the event tail, so no transaction of the processes may stay open for long.
ALTER ROLE toolberth_app SET transaction_timeout = '10s';

-- The owner makes functions that belong to toolberth_definer, without having its rights.
GRANT toolberth_definer TO toolberth_owner WITH INHERIT FALSE, SET TRUE;
