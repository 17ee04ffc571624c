-- How the configuration of a failed attempt differs from the one that last went live: names and values, no secrets.
ALTER TABLE deployments ADD COLUMN changes jsonb;
