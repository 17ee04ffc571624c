-- Roles. Where the operator has made them already (see the README), nothing is done here.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toolberth_definer') THEN
    CREATE ROLE toolberth_definer NOLOGIN NOBYPASSRLS;
    EXECUTE format('GRANT toolberth_definer TO %I WITH INHERIT FALSE, SET TRUE', current_user);
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'toolberth_app') THEN
    CREATE ROLE toolberth_app NOLOGIN NOBYPASSRLS;
  END IF;
END
$$;

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO toolberth_app, toolberth_definer;
GRANT USAGE ON SCHEMA public TO toolberth_app, toolberth_definer;

-- The transaction's number, which orders events so that late commits are never skipped.
CREATE FUNCTION app.current_xid() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL UNSAFE
  SET search_path = pg_catalog AS 'SELECT pg_current_xact_id()::text::bigint';


-- CreateEnum
CREATE TYPE "role" AS ENUM ('ADMIN', 'USER');

-- CreateEnum
CREATE TYPE "toolbox_kind" AS ENUM ('local', 'host', 'droplet');

-- CreateEnum
CREATE TYPE "toolbox_state" AS ENUM ('provisioning', 'enrolling', 'active', 'unreachable', 'draining', 'failed', 'deleting');

-- CreateEnum
CREATE TYPE "desired_server_state" AS ENUM ('running', 'stopped', 'deleted');

-- CreateEnum
CREATE TYPE "server_state" AS ENUM ('deploying', 'starting', 'running', 'degraded', 'stopping', 'stopped', 'failed', 'unreachable', 'deleting');

-- CreateEnum
CREATE TYPE "visibility" AS ENUM ('everyone', 'restricted');

-- CreateEnum
CREATE TYPE "deployment_state" AS ENUM ('queued', 'preparing', 'starting', 'probing', 'live', 'failed', 'cancelled', 'rolled_back');

-- CreateEnum
CREATE TYPE "instance_desired" AS ENUM ('running', 'stopped', 'absent');

-- CreateEnum
CREATE TYPE "instance_observed" AS ENUM ('unknown', 'pending', 'installing', 'starting', 'running', 'backoff', 'stopping', 'stopped', 'exited', 'failed', 'removing', 'absent');

-- CreateEnum
CREATE TYPE "connection_state" AS ENUM ('testing', 'connected', 'failing', 'disconnected');

-- CreateEnum
CREATE TYPE "test_state" AS ENUM ('queued', 'running', 'passed', 'failed', 'cancelled');

-- CreateTable
CREATE TABLE "installation" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "epoch" UUID NOT NULL DEFAULT gen_random_uuid(),
    "singleton" BOOLEAN NOT NULL DEFAULT true,
    "pruned_xid" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "installation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "email" TEXT NOT NULL,
    "name" TEXT,
    "role" "role" NOT NULL DEFAULT 'USER',
    "password_hash" TEXT NOT NULL,
    "session_version" INTEGER NOT NULL DEFAULT 1,
    "disabled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "control_identities" (
    "name" TEXT NOT NULL,
    "certificate" TEXT NOT NULL,
    "private_key" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "control_identities_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "toolboxes" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "kind" "toolbox_kind" NOT NULL,
    "state" "toolbox_state" NOT NULL DEFAULT 'enrolling',
    "url" TEXT,
    "certificate" TEXT,
    "driver" TEXT,
    "isolation" TEXT,
    "agent_version" TEXT,
    "protocol_version" INTEGER,
    "boot_id" TEXT,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "host" JSONB,
    "failure" JSONB,
    "last_heartbeat_at" TIMESTAMPTZ(3),
    "worker_verified_at" TIMESTAMPTZ(3),
    "gateway_verified_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "toolboxes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "toolbox_enrollments" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "toolbox_id" UUID NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "toolbox_enrollments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "mcp_servers" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "description" TEXT,
    "visibility" "visibility" NOT NULL DEFAULT 'everyone',
    "desired" "desired_server_state" NOT NULL DEFAULT 'running',
    "observed" "server_state" NOT NULL DEFAULT 'deploying',
    "toolbox_id" UUID NOT NULL,
    "live_instance_id" UUID,
    "failure_code" TEXT,
    "server_info" JSONB,
    "fence" INTEGER NOT NULL DEFAULT 0,
    "lease_expires_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "mcp_servers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "mcp_server_tools" (
    "server_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "definition" JSONB NOT NULL,
    "hash" BYTEA NOT NULL,

    CONSTRAINT "mcp_server_tools_pkey" PRIMARY KEY ("server_id","name")
);

-- CreateTable
CREATE TABLE "server_grants" (
    "server_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "server_grants_pkey" PRIMARY KEY ("server_id","user_id")
);

-- CreateTable
CREATE TABLE "revisions" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "server_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "spec" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "revisions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "revision_env" (
    "revision_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "secret" BOOLEAN NOT NULL,
    "ciphertext" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,

    CONSTRAINT "revision_env_pkey" PRIMARY KEY ("revision_id","name")
);

-- CreateTable
CREATE TABLE "instances" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "server_id" UUID NOT NULL,
    "revision_id" UUID NOT NULL,
    "toolbox_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "desired" "instance_desired" NOT NULL DEFAULT 'running',
    "fence" INTEGER NOT NULL,
    "restart_nonce" TEXT,
    "observed" "instance_observed" NOT NULL DEFAULT 'unknown',
    "phase" TEXT,
    "exit_code" INTEGER,
    "restarts" INTEGER NOT NULL DEFAULT 0,
    "started_at" TIMESTAMPTZ(3),
    "memory_bytes" BIGINT,
    "resolved_version" TEXT,
    "failure" JSONB,
    "accepted" BOOLEAN NOT NULL DEFAULT false,
    "observed_at" TIMESTAMPTZ(3),
    "drain_until" TIMESTAMPTZ(3),
    "gone_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "instances_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "deployments" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "server_id" UUID NOT NULL,
    "revision_id" UUID NOT NULL,
    "instance_id" UUID,
    "state" "deployment_state" NOT NULL DEFAULT 'queued',
    "phase" TEXT,
    "source_key" TEXT NOT NULL,
    "requested_by" UUID,
    "failure" JSONB,
    "log_tail" JSONB,
    "estimated_ready_at" TIMESTAMPTZ(3),
    "deadline_at" TIMESTAMPTZ(3) NOT NULL,
    "cancel_requested" BOOLEAN NOT NULL DEFAULT false,
    "touched_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),
    "cleaned_up_at" TIMESTAMPTZ(3),

    CONSTRAINT "deployments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "deployment_phases" (
    "id" BIGSERIAL NOT NULL,
    "deployment_id" UUID NOT NULL,
    "state" "deployment_state" NOT NULL,
    "phase" TEXT,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "deployment_phases_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "outbox" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "queue" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "available_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "relayed_at" TIMESTAMPTZ(3),

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agents" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "token_prefix" TEXT NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "agents_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "connections" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "agent_id" UUID NOT NULL,
    "server_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "prefix_tools" BOOLEAN NOT NULL DEFAULT true,
    "state" "connection_state" NOT NULL DEFAULT 'connected',
    "failure" JSONB,
    "latency_ms" INTEGER,
    "last_tested_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "disconnected_at" TIMESTAMPTZ(3),

    CONSTRAINT "connections_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "connection_tests" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "agent_id" UUID NOT NULL,
    "server_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "instance_id" UUID,
    "state" "test_state" NOT NULL DEFAULT 'queued',
    "attempts" JSONB NOT NULL DEFAULT '[]',
    "failure" JSONB,
    "result" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "connection_tests_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "events" (
    "id" BIGSERIAL NOT NULL,
    "xid" BIGINT NOT NULL DEFAULT app.current_xid(),
    "type" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "server_id" UUID,
    "agent_id" UUID,
    "toolbox_id" UUID,
    "audience" TEXT[],
    "data" JSONB NOT NULL DEFAULT '{}',
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_entries" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT,
    "detail" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rights_version" (
    "singleton" BOOLEAN NOT NULL DEFAULT true,
    "version" BIGINT NOT NULL DEFAULT 1,

    CONSTRAINT "rights_version_pkey" PRIMARY KEY ("singleton")
);

-- CreateIndex
CREATE UNIQUE INDEX "installation_singleton_key" ON "installation"("singleton");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys"("hash");

-- CreateIndex
CREATE INDEX "api_keys_user_id_idx" ON "api_keys"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "toolbox_enrollments_token_hash_key" ON "toolbox_enrollments"("token_hash");

-- CreateIndex
CREATE INDEX "toolbox_enrollments_toolbox_id_idx" ON "toolbox_enrollments"("toolbox_id");

-- CreateIndex
CREATE UNIQUE INDEX "mcp_servers_live_instance_id_key" ON "mcp_servers"("live_instance_id");

-- CreateIndex
CREATE INDEX "mcp_servers_toolbox_id_idx" ON "mcp_servers"("toolbox_id");

-- CreateIndex
CREATE INDEX "server_grants_user_id_idx" ON "server_grants"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "revisions_server_id_number_key" ON "revisions"("server_id", "number");

-- CreateIndex
CREATE INDEX "instances_toolbox_id_idx" ON "instances"("toolbox_id");

-- CreateIndex
CREATE UNIQUE INDEX "instances_server_id_revision_id_attempt_key" ON "instances"("server_id", "revision_id", "attempt");

-- CreateIndex
CREATE INDEX "deployments_server_id_created_at_idx" ON "deployments"("server_id", "created_at");

-- CreateIndex
CREATE INDEX "deployments_source_key_created_at_idx" ON "deployments"("source_key", "created_at");

-- CreateIndex
CREATE INDEX "deployment_phases_deployment_id_idx" ON "deployment_phases"("deployment_id");

-- CreateIndex
CREATE UNIQUE INDEX "agents_token_hash_key" ON "agents"("token_hash");

-- CreateIndex
CREATE INDEX "agents_user_id_idx" ON "agents"("user_id");

-- CreateIndex
CREATE INDEX "connections_server_id_idx" ON "connections"("server_id");

-- CreateIndex
CREATE INDEX "connections_user_id_idx" ON "connections"("user_id");

-- CreateIndex
CREATE INDEX "connection_tests_agent_id_idx" ON "connection_tests"("agent_id");

-- CreateIndex
CREATE INDEX "events_xid_id_idx" ON "events"("xid", "id");

-- CreateIndex
CREATE INDEX "audit_entries_at_idx" ON "audit_entries"("at");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "toolbox_enrollments" ADD CONSTRAINT "toolbox_enrollments_toolbox_id_fkey" FOREIGN KEY ("toolbox_id") REFERENCES "toolboxes"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mcp_servers" ADD CONSTRAINT "mcp_servers_toolbox_id_fkey" FOREIGN KEY ("toolbox_id") REFERENCES "toolboxes"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mcp_servers" ADD CONSTRAINT "mcp_servers_live_instance_id_fkey" FOREIGN KEY ("live_instance_id") REFERENCES "instances"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "mcp_server_tools" ADD CONSTRAINT "mcp_server_tools_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "mcp_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "server_grants" ADD CONSTRAINT "server_grants_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "mcp_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "server_grants" ADD CONSTRAINT "server_grants_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "revisions" ADD CONSTRAINT "revisions_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "mcp_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "revision_env" ADD CONSTRAINT "revision_env_revision_id_fkey" FOREIGN KEY ("revision_id") REFERENCES "revisions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "instances" ADD CONSTRAINT "instances_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "mcp_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "instances" ADD CONSTRAINT "instances_revision_id_fkey" FOREIGN KEY ("revision_id") REFERENCES "revisions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "instances" ADD CONSTRAINT "instances_toolbox_id_fkey" FOREIGN KEY ("toolbox_id") REFERENCES "toolboxes"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "mcp_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_revision_id_fkey" FOREIGN KEY ("revision_id") REFERENCES "revisions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_instance_id_fkey" FOREIGN KEY ("instance_id") REFERENCES "instances"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_requested_by_fkey" FOREIGN KEY ("requested_by") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "deployment_phases" ADD CONSTRAINT "deployment_phases_deployment_id_fkey" FOREIGN KEY ("deployment_id") REFERENCES "deployments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "agents" ADD CONSTRAINT "agents_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "connections" ADD CONSTRAINT "connections_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "connections" ADD CONSTRAINT "connections_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "mcp_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "connections" ADD CONSTRAINT "connections_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "connection_tests" ADD CONSTRAINT "connection_tests_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "connection_tests" ADD CONSTRAINT "connection_tests_server_id_fkey" FOREIGN KEY ("server_id") REFERENCES "mcp_servers"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "connection_tests" ADD CONSTRAINT "connection_tests_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Checks and partial indexes that the schema language cannot say.
ALTER TABLE installation ADD CONSTRAINT installation_singleton CHECK (singleton);
ALTER TABLE rights_version ADD CONSTRAINT rights_version_singleton CHECK (singleton);
INSERT INTO rights_version DEFAULT VALUES;
ALTER TABLE users ADD CONSTRAINT users_email_shape CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND length(email) <= 254);
CREATE UNIQUE INDEX users_email_unique ON users (lower(email));
ALTER TABLE toolboxes ADD CONSTRAINT toolboxes_name_shape CHECK (name ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(name) BETWEEN 3 AND 40);
CREATE UNIQUE INDEX toolboxes_name_unique ON toolboxes (lower(name)) WHERE state <> 'deleting';
ALTER TABLE toolboxes ADD CONSTRAINT toolboxes_active_is_known CHECK (state <> 'active' OR (url IS NOT NULL AND certificate IS NOT NULL));
ALTER TABLE mcp_servers ADD CONSTRAINT mcp_servers_name_shape CHECK (name ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(name) BETWEEN 3 AND 40);
CREATE UNIQUE INDEX mcp_servers_name_unique ON mcp_servers (lower(name)) WHERE deleted_at IS NULL;
ALTER TABLE mcp_servers ADD CONSTRAINT mcp_servers_fence_positive CHECK (fence >= 0);
ALTER TABLE mcp_server_tools ADD CONSTRAINT mcp_server_tools_hash_length CHECK (octet_length(hash) = 32);
ALTER TABLE revisions ADD CONSTRAINT revisions_number_positive CHECK (number > 0);
ALTER TABLE revision_env ADD CONSTRAINT revision_env_name_shape CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_]*$');
ALTER TABLE instances ADD CONSTRAINT instances_attempt_positive CHECK (attempt > 0);
ALTER TABLE instances ADD CONSTRAINT instances_gone_is_absent CHECK (gone_at IS NULL OR desired = 'absent');
CREATE UNIQUE INDEX deployments_one_at_a_time ON deployments (server_id) WHERE state IN ('queued', 'preparing', 'starting', 'probing');
ALTER TABLE deployments ADD CONSTRAINT deployments_finished_iff_ended
  CHECK ((finished_at IS NOT NULL) = (state IN ('live', 'failed', 'cancelled', 'rolled_back')));
ALTER TABLE deployments ADD CONSTRAINT deployments_failed_has_cause CHECK (state <> 'failed' OR coalesce(failure ? 'code', false));
ALTER TABLE outbox ADD CONSTRAINT outbox_queue_known CHECK (queue IN ('provision', 'connection-test'));
CREATE INDEX outbox_waiting ON outbox (available_at) WHERE relayed_at IS NULL;
ALTER TABLE agents ADD CONSTRAINT agents_name_length CHECK (length(name) BETWEEN 1 AND 60);
ALTER TABLE agents ADD CONSTRAINT agents_token_hash_length CHECK (octet_length(token_hash) = 32);
ALTER TABLE api_keys ADD CONSTRAINT api_keys_hash_length CHECK (octet_length(hash) = 32);
ALTER TABLE connections ADD CONSTRAINT connections_slug_shape CHECK (slug ~ '^[a-z0-9](-?[a-z0-9])*$' AND length(slug) <= 40);
ALTER TABLE connections ADD CONSTRAINT connections_ended_iff_disconnected CHECK ((disconnected_at IS NOT NULL) = (state = 'disconnected'));
CREATE UNIQUE INDEX connections_one_per_server ON connections (agent_id, server_id) WHERE state <> 'disconnected';
CREATE UNIQUE INDEX connections_slug_unique ON connections (agent_id, slug) WHERE state <> 'disconnected';
ALTER TABLE connection_tests ADD CONSTRAINT connection_tests_failed_has_cause CHECK (state <> 'failed' OR coalesce(failure ? 'code', false));
ALTER TABLE events ADD CONSTRAINT events_have_an_audience CHECK (cardinality(audience) > 0);

-- Who is asking. Set per transaction by the application; empty or missing means nobody.
CREATE FUNCTION app.actor_kind() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog AS $$ SELECT coalesce(nullif(current_setting('app.actor_kind', true), ''), 'nobody') $$;
CREATE FUNCTION app.actor_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog AS $$ SELECT nullif(current_setting('app.actor_id', true), '')::uuid $$;
CREATE FUNCTION app.is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog AS $$ SELECT app.actor_kind() = 'system' $$;
CREATE FUNCTION app.is_admin() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog AS $$ SELECT app.actor_kind() IN ('system', 'admin') $$;
CREATE FUNCTION app.is_somebody() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog AS $$ SELECT app.actor_kind() IN ('system', 'admin', 'user') $$;
CREATE FUNCTION app.audiences() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog AS $$
    SELECT CASE app.actor_kind()
      WHEN 'admin' THEN ARRAY['everyone', 'admins', 'user:' || app.actor_id()]
      WHEN 'user' THEN ARRAY['everyone', 'user:' || app.actor_id()]
      ELSE '{}'::text[] END $$;

-- Look-ups across tables, with the rights of a role that nobody can log in as.
CREATE FUNCTION app.can_see_server(server uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT app.is_admin() OR EXISTS (
      SELECT FROM public.mcp_servers s
      WHERE s.id = server AND s.deleted_at IS NULL AND app.actor_id() IS NOT NULL
        AND (s.visibility = 'everyone'
          OR EXISTS (SELECT FROM public.server_grants g WHERE g.server_id = s.id AND g.user_id = app.actor_id()))) $$;
CREATE FUNCTION app.owns_agent(agent uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM public.agents a WHERE a.id = agent AND a.user_id = app.actor_id() AND a.deleted_at IS NULL) $$;
-- Ids of users who may use a server by a grant; an event's audience is written from it.
CREATE FUNCTION app.server_audience(server uuid) RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT CASE WHEN s.visibility = 'everyone' THEN ARRAY['everyone']
      ELSE ARRAY['admins'] || ARRAY(SELECT 'user:' || g.user_id FROM public.server_grants g WHERE g.server_id = s.id) END
    FROM public.mcp_servers s WHERE s.id = server $$;
CREATE FUNCTION app.connection_count(server uuid) RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT CASE WHEN app.is_admin() THEN
      (SELECT count(*)::int FROM public.connections c WHERE c.server_id = server AND c.state <> 'disconnected') ELSE 0 END $$;
-- Figures for the admins' overview that count what belongs to others.
CREATE FUNCTION app.overview_counts() RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT CASE WHEN app.is_admin() THEN jsonb_build_object(
      'agents', (SELECT count(*) FROM public.agents WHERE deleted_at IS NULL),
      'connections', (SELECT coalesce(jsonb_object_agg(state, n), '{}') FROM
        (SELECT state, count(*) n FROM public.connections WHERE state <> 'disconnected' GROUP BY state) c))
    ELSE jsonb_build_object(
      'agents', (SELECT count(*) FROM public.agents WHERE deleted_at IS NULL AND user_id = app.actor_id()),
      'connections', (SELECT coalesce(jsonb_object_agg(state, n), '{}') FROM
        (SELECT state, count(*) n FROM public.connections WHERE state <> 'disconnected' AND user_id = app.actor_id() GROUP BY state) c))
    END $$;

-- Sign-in, key and token look-ups: each answers exactly one question about a secret that the caller already holds.
CREATE FUNCTION app.sign_in_lookup(address text)
  RETURNS TABLE (id uuid, email text, name text, role role, password_hash text, session_version int, disabled boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT u.id, u.email, u.name, u.role, u.password_hash, u.session_version, u.disabled_at IS NOT NULL
    FROM public.users u WHERE lower(u.email) = lower(address) $$;
CREATE FUNCTION app.session_lookup(user_id uuid, version int)
  RETURNS TABLE (id uuid, email text, name text, role role)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT u.id, u.email, u.name, u.role FROM public.users u
    WHERE u.id = user_id AND u.session_version = version AND u.disabled_at IS NULL $$;
CREATE FUNCTION app.api_key_lookup(key_hash bytea)
  RETURNS TABLE (id uuid, email text, name text, role role, key_id uuid)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    UPDATE public.api_keys k SET last_used_at = now()
    WHERE k.hash = key_hash AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute');
    SELECT u.id, u.email, u.name, u.role, k.id FROM public.api_keys k JOIN public.users u ON u.id = k.user_id
    WHERE k.hash = key_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND u.disabled_at IS NULL $$;
CREATE FUNCTION app.consume_enrollment(hash bytea) RETURNS uuid
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    UPDATE public.toolbox_enrollments e SET used_at = now()
    WHERE e.token_hash = hash AND e.used_at IS NULL AND e.expires_at > now()
      AND EXISTS (SELECT FROM public.toolboxes t WHERE t.id = e.toolbox_id AND t.state <> 'deleting')
    RETURNING e.toolbox_id $$;
CREATE FUNCTION app.toolbox_certificate(toolbox uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT t.certificate FROM public.toolboxes t WHERE t.id = toolbox AND t.state <> 'deleting' $$;
CREATE FUNCTION app.rights_version() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$ SELECT version FROM public.rights_version $$;
CREATE FUNCTION app.gateway_rights(hash bytea) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT jsonb_build_object(
      'agentId', a.id, 'userId', a.user_id, 'agentName', a.name,
      'connections', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
          'id', c.id, 'slug', c.slug, 'prefixTools', c.prefix_tools,
          'serverId', s.id, 'serverName', s.name, 'serverState', s.observed, 'instanceId', i.id,
          'toolbox', CASE WHEN i.id IS NOT NULL AND t.url IS NOT NULL AND t.certificate IS NOT NULL
            THEN jsonb_build_object('id', t.id, 'url', t.url, 'certificate', t.certificate, 'state', t.state) END,
          'tools', coalesce((SELECT jsonb_agg(d.definition ORDER BY d.position) FROM public.mcp_server_tools d WHERE d.server_id = s.id), '[]'))
          ORDER BY c.created_at, c.id)
        FROM public.connections c
        JOIN public.mcp_servers s ON s.id = c.server_id AND s.deleted_at IS NULL
        LEFT JOIN public.instances i ON i.id = s.live_instance_id AND s.desired = 'running'
        LEFT JOIN public.toolboxes t ON t.id = i.toolbox_id
        WHERE c.agent_id = a.id AND c.state <> 'disconnected'
          AND (u.role = 'ADMIN' OR s.visibility = 'everyone'
            OR EXISTS (SELECT FROM public.server_grants g WHERE g.server_id = s.id AND g.user_id = a.user_id))), '[]'))
    FROM public.agents a JOIN public.users u ON u.id = a.user_id AND u.disabled_at IS NULL
    WHERE a.token_hash = hash AND a.deleted_at IS NULL $$;
CREATE FUNCTION app.touch_agent(agent uuid) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    UPDATE public.agents SET last_used_at = now()
    WHERE id = agent AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute') $$;

-- What an agent may call changed: at the end of the transaction, move the version that every gateway watches.
CREATE FUNCTION app.bump_rights_version() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $$
BEGIN
  IF current_setting('app.rights_bumped_in', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
    UPDATE public.rights_version SET version = version + 1;
    PERFORM set_config('app.rights_bumped_in', pg_current_xact_id()::text, true);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER agents_rights AFTER INSERT OR DELETE OR UPDATE OF token_hash, deleted_at, name ON agents
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
CREATE CONSTRAINT TRIGGER connections_rights AFTER INSERT OR DELETE OR UPDATE OF state, slug, prefix_tools ON connections
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
CREATE CONSTRAINT TRIGGER mcp_servers_rights
  AFTER DELETE OR UPDATE OF live_instance_id, visibility, desired, observed, server_info, deleted_at ON mcp_servers
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
CREATE CONSTRAINT TRIGGER server_grants_rights AFTER INSERT OR DELETE OR UPDATE ON server_grants
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
CREATE CONSTRAINT TRIGGER users_rights AFTER DELETE OR UPDATE OF disabled_at, role ON users
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
CREATE CONSTRAINT TRIGGER toolboxes_rights AFTER DELETE OR UPDATE OF url, certificate, state ON toolboxes
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();

-- Ends connections that their owners may not have any longer, and tells them: those of a server, of a user, or both.
CREATE FUNCTION app.end_connections(server uuid, owner uuid) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    WITH ended AS (
      UPDATE public.connections c SET state = 'disconnected', disconnected_at = now()
      FROM public.mcp_servers s, public.users u, public.agents a
      WHERE s.id = c.server_id AND u.id = c.user_id AND a.id = c.agent_id AND c.state <> 'disconnected'
        AND (server IS NULL OR c.server_id = server) AND (owner IS NULL OR c.user_id = owner)
        AND (s.desired = 'deleted' OR s.deleted_at IS NOT NULL
          OR (s.visibility = 'restricted' AND u.role <> 'ADMIN' AND NOT EXISTS (
            SELECT FROM public.server_grants g WHERE g.server_id = s.id AND g.user_id = u.id)))
      RETURNING c.id, c.agent_id, c.server_id, c.user_id,
        jsonb_build_object('serverName', s.name, 'agentName', a.name, 'state', c.state) AS data)
    INSERT INTO public.events (type, subject_id, agent_id, server_id, audience, data)
    SELECT 'connection.updated', id, agent_id, server_id, ARRAY['user:' || user_id], data FROM ended $$;
CREATE FUNCTION app.end_connections_of_grant() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $$
BEGIN PERFORM app.end_connections(OLD.server_id, OLD.user_id); RETURN NULL; END $$;
CREATE FUNCTION app.end_connections_of_server() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $$
BEGIN PERFORM app.end_connections(NEW.id, NULL); RETURN NULL; END $$;
CREATE FUNCTION app.end_connections_of_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog AS $$
BEGIN PERFORM app.end_connections(NULL, NEW.id); RETURN NULL; END $$;
CREATE TRIGGER server_grants_end_connections AFTER DELETE ON server_grants
  FOR EACH ROW EXECUTE FUNCTION app.end_connections_of_grant();
-- Once more at the very end, for a connection that was being made while its server was being deleted.
CREATE TRIGGER mcp_servers_end_connections AFTER UPDATE OF desired, visibility, deleted_at ON mcp_servers
  FOR EACH ROW WHEN (NEW.desired = 'deleted' OR NEW.visibility <> OLD.visibility) EXECUTE FUNCTION app.end_connections_of_server();
CREATE TRIGGER users_end_connections AFTER UPDATE OF role ON users
  FOR EACH ROW WHEN (NEW.role <> OLD.role) EXECUTE FUNCTION app.end_connections_of_user();

-- A user may change their own name and password, nothing else of themselves.
CREATE FUNCTION app.guard_own_user() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF app.actor_kind() = 'user' AND (NEW.role, NEW.email, NEW.disabled_at) IS DISTINCT FROM (OLD.role, OLD.email, OLD.disabled_at) THEN
    RAISE EXCEPTION 'only an admin changes role, e-mail or disabled' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER users_guard_own BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION app.guard_own_user();

-- The audit is append-only for everybody, its owner included.
CREATE FUNCTION app.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'audit entries are append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
-- By statement, so that one that reaches no row is refused as well.
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION app.refuse_audit_change();

-- Row-level security, forced, so that it also binds the owner.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['installation','users','api_keys','control_identities','toolboxes','toolbox_enrollments','mcp_servers',
    'mcp_server_tools','server_grants','revisions','revision_env','instances','deployments','deployment_phases','outbox','agents',
    'connections','connection_tests','events','audit_entries','rights_version']
  LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO toolberth_app', t);
  END LOOP;
  -- Admin-only and system-only tables.
  FOREACH t IN ARRAY ARRAY['toolboxes','toolbox_enrollments','revisions','revision_env','instances','deployments','deployment_phases']
  LOOP
    EXECUTE format('CREATE POLICY admins ON public.%I USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()))', t);
  END LOOP;
END $$;
REVOKE UPDATE, DELETE ON audit_entries FROM toolberth_app;
REVOKE INSERT, UPDATE, DELETE ON rights_version FROM toolberth_app;
REVOKE UPDATE ON events FROM toolberth_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO toolberth_app;

CREATE POLICY read_it ON installation FOR SELECT USING (true);
CREATE POLICY system_writes ON installation USING ((SELECT app.is_system())) WITH CHECK ((SELECT app.is_system()));
CREATE POLICY read_it ON rights_version FOR SELECT USING (true);
CREATE POLICY system_only ON control_identities USING ((SELECT app.is_system())) WITH CHECK ((SELECT app.is_system()));

CREATE POLICY read_self ON users FOR SELECT USING ((SELECT app.is_admin()) OR id = (SELECT app.actor_id()));
CREATE POLICY update_self ON users FOR UPDATE USING ((SELECT app.is_admin()) OR id = (SELECT app.actor_id()))
  WITH CHECK ((SELECT app.is_admin()) OR id = (SELECT app.actor_id()));
CREATE POLICY admins_insert ON users FOR INSERT WITH CHECK ((SELECT app.is_admin()));
CREATE POLICY admins_delete ON users FOR DELETE USING ((SELECT app.is_admin()));

CREATE POLICY own ON api_keys USING ((SELECT app.is_system()) OR user_id = (SELECT app.actor_id()))
  WITH CHECK ((SELECT app.is_system()) OR user_id = (SELECT app.actor_id()));

-- Written out rather than through can_see_server, so that the planner sees it; the function is for other tables.
CREATE POLICY read_visible ON mcp_servers FOR SELECT USING (
  (SELECT app.is_admin()) OR (deleted_at IS NULL AND (SELECT app.actor_id()) IS NOT NULL AND (visibility = 'everyone'
    OR id IN (SELECT g.server_id FROM server_grants g WHERE g.user_id = (SELECT app.actor_id())))));
CREATE POLICY admins_insert ON mcp_servers FOR INSERT WITH CHECK ((SELECT app.is_admin()));
CREATE POLICY admins_update ON mcp_servers FOR UPDATE USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));
CREATE POLICY admins_delete ON mcp_servers FOR DELETE USING ((SELECT app.is_admin()));

CREATE POLICY read_visible ON mcp_server_tools FOR SELECT USING ((SELECT app.is_admin()) OR app.can_see_server(server_id));
CREATE POLICY system_writes ON mcp_server_tools USING ((SELECT app.is_system())) WITH CHECK ((SELECT app.is_system()));
CREATE POLICY read_own ON server_grants FOR SELECT USING ((SELECT app.is_admin()) OR user_id = (SELECT app.actor_id()));
CREATE POLICY admins_write ON server_grants USING ((SELECT app.is_admin())) WITH CHECK ((SELECT app.is_admin()));

CREATE POLICY add ON outbox FOR INSERT WITH CHECK ((SELECT app.is_somebody()));
CREATE POLICY system_handles ON outbox USING ((SELECT app.is_system())) WITH CHECK ((SELECT app.is_system()));

CREATE POLICY own ON agents USING ((SELECT app.is_system()) OR user_id = (SELECT app.actor_id()))
  WITH CHECK ((SELECT app.is_system()) OR user_id = (SELECT app.actor_id()));
CREATE POLICY read_own ON connections FOR SELECT USING ((SELECT app.is_system()) OR user_id = (SELECT app.actor_id()));
CREATE POLICY connect_own ON connections FOR INSERT WITH CHECK ((SELECT app.is_system())
  OR (user_id = (SELECT app.actor_id()) AND app.owns_agent(agent_id) AND app.can_see_server(server_id)));
-- One's own may be ended at any time; any other change needs the right that making it would need.
CREATE POLICY change_own ON connections FOR UPDATE USING ((SELECT app.is_system()) OR user_id = (SELECT app.actor_id()))
  WITH CHECK ((SELECT app.is_system()) OR (user_id = (SELECT app.actor_id())
    AND (state = 'disconnected' OR (app.owns_agent(agent_id) AND app.can_see_server(server_id)))));
CREATE POLICY system_deletes ON connections FOR DELETE USING ((SELECT app.is_system()));
CREATE POLICY read_own ON connection_tests FOR SELECT USING ((SELECT app.is_system()) OR user_id = (SELECT app.actor_id()));
-- A user asks for a test; only a worker writes what came of it.
CREATE POLICY test_own ON connection_tests FOR INSERT WITH CHECK ((SELECT app.is_system())
  OR (state = 'queued' AND result IS NULL AND user_id = (SELECT app.actor_id())
    AND app.owns_agent(agent_id) AND app.can_see_server(server_id)));
CREATE POLICY system_changes ON connection_tests FOR UPDATE USING ((SELECT app.is_system())) WITH CHECK ((SELECT app.is_system()));
CREATE POLICY system_deletes ON connection_tests FOR DELETE USING ((SELECT app.is_system()));

CREATE POLICY add ON events FOR INSERT WITH CHECK ((SELECT app.is_somebody()));
CREATE POLICY read_audience ON events FOR SELECT USING ((SELECT app.is_system()) OR audience && (SELECT app.audiences()));
CREATE POLICY system_prunes ON events FOR DELETE USING ((SELECT app.is_system()));
CREATE POLICY add ON audit_entries FOR INSERT WITH CHECK ((SELECT app.is_somebody()));
CREATE POLICY admins_read ON audit_entries FOR SELECT USING ((SELECT app.is_admin()));

-- The functions' owner: reads what they need, through policies of its own.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['users','api_keys','toolboxes','toolbox_enrollments','mcp_servers','mcp_server_tools','server_grants',
    'instances','agents','connections','rights_version']
  LOOP
    EXECUTE format('GRANT SELECT ON public.%I TO toolberth_definer', t);
    EXECUTE format('CREATE POLICY definer_reads ON public.%I FOR SELECT TO toolberth_definer USING (true)', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['api_keys','toolbox_enrollments','agents','connections','rights_version']
  LOOP
    EXECUTE format('CREATE POLICY definer_updates ON public.%I FOR UPDATE TO toolberth_definer USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;
GRANT UPDATE (last_used_at) ON api_keys TO toolberth_definer;
GRANT UPDATE (used_at) ON toolbox_enrollments TO toolberth_definer;
GRANT UPDATE (last_used_at) ON agents TO toolberth_definer;
GRANT UPDATE (state, disconnected_at) ON connections TO toolberth_definer;
GRANT UPDATE (version) ON rights_version TO toolberth_definer;
CREATE POLICY definer_adds ON events FOR INSERT TO toolberth_definer WITH CHECK (true);
GRANT INSERT (type, subject_id, agent_id, server_id, audience, data) ON events TO toolberth_definer;
GRANT USAGE ON SEQUENCE events_id_seq TO toolberth_definer;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO toolberth_app, toolberth_definer;
GRANT CREATE ON SCHEMA app TO toolberth_definer;
ALTER FUNCTION app.can_see_server(uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.owns_agent(uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.server_audience(uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.connection_count(uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.overview_counts() OWNER TO toolberth_definer;
ALTER FUNCTION app.sign_in_lookup(text) OWNER TO toolberth_definer;
ALTER FUNCTION app.session_lookup(uuid, int) OWNER TO toolberth_definer;
ALTER FUNCTION app.api_key_lookup(bytea) OWNER TO toolberth_definer;
ALTER FUNCTION app.consume_enrollment(bytea) OWNER TO toolberth_definer;
ALTER FUNCTION app.toolbox_certificate(uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.rights_version() OWNER TO toolberth_definer;
ALTER FUNCTION app.gateway_rights(bytea) OWNER TO toolberth_definer;
ALTER FUNCTION app.touch_agent(uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.end_connections(uuid, uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.end_connections_of_grant() OWNER TO toolberth_definer;
ALTER FUNCTION app.end_connections_of_server() OWNER TO toolberth_definer;
ALTER FUNCTION app.end_connections_of_user() OWNER TO toolberth_definer;
ALTER FUNCTION app.bump_rights_version() OWNER TO toolberth_definer;
REVOKE CREATE ON SCHEMA app FROM toolberth_definer;
