-- What the owner of a connection has decided of it, its credentials, the tools as they were approved, and what became of it over time.
CREATE TYPE "pin_policy" AS ENUM ('hold', 'warn');
CREATE TYPE "credential_kind" AS ENUM ('env', 'header');
CREATE TYPE "mcp_era" AS ENUM ('legacy', 'modern');

ALTER TABLE "agents" ADD COLUMN "calls_per_minute" INTEGER,
ADD COLUMN "max_concurrent" INTEGER,
ADD COLUMN "previous_token_expires_at" TIMESTAMPTZ(3),
ADD COLUMN "previous_token_hash" BYTEA;
CREATE UNIQUE INDEX "agents_previous_token_hash_key" ON "agents"("previous_token_hash");
ALTER TABLE agents ADD CONSTRAINT agents_limits_positive CHECK (calls_per_minute > 0 AND max_concurrent > 0);
ALTER TABLE agents ADD CONSTRAINT agents_previous_token_expires
  CHECK ((previous_token_hash IS NULL) = (previous_token_expires_at IS NULL));

ALTER TABLE "connections" ADD COLUMN "calls_per_minute" INTEGER,
ADD COLUMN "check_attempt" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN "check_lease_until" TIMESTAMPTZ(3),
ADD COLUMN "log_arguments" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "max_concurrent" INTEGER,
ADD COLUMN "next_check_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now() + interval '5 minutes',
ADD COLUMN "pin_policy" "pin_policy" NOT NULL DEFAULT 'hold',
ADD COLUMN "retries" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN "timeout_ms" INTEGER NOT NULL DEFAULT 60000;
ALTER TABLE connections ADD CONSTRAINT connections_settings_in_range CHECK (
  timeout_ms BETWEEN 1000 AND 600000 AND retries BETWEEN 0 AND 3 AND calls_per_minute > 0 AND max_concurrent > 0);
CREATE INDEX connections_next_check ON connections (next_check_at) WHERE state <> 'disconnected';

-- What users have to know of a server before they connect, from the revision that is live.
ALTER TABLE "mcp_servers" ADD COLUMN "categories" TEXT[],
ADD COLUMN "era" "mcp_era",
ADD COLUMN "recheck_requested_at" TIMESTAMPTZ(3),
ADD COLUMN "sharing" TEXT NOT NULL DEFAULT 'shared',
ADD COLUMN "transport" TEXT NOT NULL DEFAULT 'stdio',
ADD COLUMN "user_credentials" JSONB NOT NULL DEFAULT '[]';
ALTER TABLE mcp_servers ADD CONSTRAINT mcp_servers_sharing_known CHECK (sharing IN ('shared', 'isolated'));
ALTER TABLE mcp_servers ADD CONSTRAINT mcp_servers_transport_known CHECK (transport IN ('stdio', 'streamable-http', 'sse'));

-- A tool of a connection as its owner approved it. One that the server offers without a row here is new.
CREATE TABLE "connection_tools" (
    "connection_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "definition" JSONB NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "alias" TEXT,
    "approved_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "connection_tools_pkey" PRIMARY KEY ("connection_id","name")
);
CREATE UNIQUE INDEX connection_tools_alias_unique ON connection_tools (connection_id, alias) WHERE alias IS NOT NULL;
ALTER TABLE connection_tools ADD CONSTRAINT connection_tools_alias_shape CHECK (alias ~ '^[A-Za-z0-9_.-]{1,128}$');

-- What there is already counts as approved. Row-level security binds the owner as well, who is no actor: it stands aside for this.
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['mcp_servers','mcp_server_tools','instances','revisions','connections']
  LOOP EXECUTE format('ALTER TABLE public.%I NO FORCE ROW LEVEL SECURITY', t); END LOOP;
  UPDATE mcp_servers s SET transport = r.spec->>'transport', sharing = coalesce(r.spec->>'sharing', 'shared')
    FROM instances i JOIN revisions r ON r.id = i.revision_id WHERE i.id = s.live_instance_id;
  INSERT INTO connection_tools (connection_id, name, hash, definition)
    SELECT c.id, t.name, t.hash, t.definition FROM connections c JOIN mcp_server_tools t ON t.server_id = c.server_id
    WHERE c.state <> 'disconnected';
  SET CONSTRAINTS ALL IMMEDIATE;
  FOREACH t IN ARRAY ARRAY['mcp_servers','mcp_server_tools','instances','revisions','connections']
  LOOP EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', t); END LOOP;
END $$;

-- A user's own variables and headers at one server; encrypted under the master key, as the other secrets are.
CREATE TABLE "connection_credentials" (
    "connection_id" UUID NOT NULL,
    "kind" "credential_kind" NOT NULL,
    "name" TEXT NOT NULL,
    "ciphertext" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,

    CONSTRAINT "connection_credentials_pkey" PRIMARY KEY ("connection_id","kind","name")
);
-- The same while a connection is being tested that does not exist yet; short-lived.
CREATE TABLE "connection_test_credentials" (
    "test_id" UUID NOT NULL,
    "kind" "credential_kind" NOT NULL,
    "name" TEXT NOT NULL,
    "ciphertext" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "connection_test_credentials_pkey" PRIMARY KEY ("test_id","kind","name")
);

CREATE TABLE "connection_checks" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ok" BOOLEAN NOT NULL,
    "latency_ms" INTEGER,
    "failure" JSONB,
    "attempt" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "connection_checks_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "connection_checks_connection_id_at_idx" ON "connection_checks"("connection_id", "at" DESC);
CREATE INDEX "connection_checks_at_idx" ON "connection_checks"("at");
ALTER TABLE connection_checks ADD CONSTRAINT connection_checks_failed_has_cause CHECK (ok OR coalesce(failure ? 'code', false));

-- Calls of agents, written by gateways in batches; connection and server may be gone when one is read.
CREATE TABLE "calls" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "agent_id" UUID NOT NULL,
    "connection_id" UUID NOT NULL,
    "server_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "tool" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "code" TEXT,
    "ms" INTEGER NOT NULL,
    "request_bytes" INTEGER NOT NULL,
    "response_bytes" INTEGER NOT NULL,
    "arguments" JSONB,
    "via" TEXT,

    CONSTRAINT "calls_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "calls_agent_id_at_id_idx" ON "calls"("agent_id", "at" DESC, "id" DESC);
CREATE INDEX "calls_connection_id_at_id_idx" ON "calls"("connection_id", "at" DESC, "id" DESC);
CREATE INDEX "calls_server_id_at_idx" ON "calls"("server_id", "at");
CREATE INDEX "calls_at_idx" ON "calls"("at");
ALTER TABLE calls ADD CONSTRAINT calls_outcome_known CHECK (outcome IN ('ok', 'tool_error', 'failed', 'refused', 'cancelled'));

-- One short right to call as an agent, for the page that tries tools; the hash is SHA-256 of the ticket.
CREATE TABLE "agent_tickets" (
    "hash" BYTEA NOT NULL,
    "agent_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "agent_tickets_pkey" PRIMARY KEY ("hash")
);
CREATE INDEX "agent_tickets_expires_at_idx" ON "agent_tickets"("expires_at");

ALTER TABLE "connection_tools" ADD CONSTRAINT "connection_tools_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connections"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "connection_credentials" ADD CONSTRAINT "connection_credentials_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connections"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "connection_test_credentials" ADD CONSTRAINT "connection_test_credentials_test_id_fkey" FOREIGN KEY ("test_id") REFERENCES "connection_tests"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "connection_checks" ADD CONSTRAINT "connection_checks_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connections"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "calls" ADD CONSTRAINT "calls_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "agent_tickets" ADD CONSTRAINT "agent_tickets_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "agent_tickets" ADD CONSTRAINT "agent_tickets_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE FUNCTION app.owns_connection(connection uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM public.connections c WHERE c.id = connection AND c.user_id = app.actor_id()) $$;
CREATE FUNCTION app.owns_test(test uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT EXISTS (SELECT FROM public.connection_tests t WHERE t.id = test AND t.user_id = app.actor_id()) $$;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['connection_tools','connection_credentials','connection_test_credentials','connection_checks','calls','agent_tickets']
  LOOP
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON public.%I TO toolberth_app', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['connection_tools','connection_credentials']
  LOOP
    EXECUTE format('CREATE POLICY own ON public.%I USING ((SELECT app.is_system()) OR app.owns_connection(connection_id))
      WITH CHECK ((SELECT app.is_system()) OR app.owns_connection(connection_id))', t);
  END LOOP;
END $$;
REVOKE UPDATE ON calls, agent_tickets, connection_checks, connection_test_credentials FROM toolberth_app;
REVOKE INSERT ON calls FROM toolberth_app;
GRANT USAGE ON SEQUENCE connection_checks_id_seq TO toolberth_app;
CREATE POLICY own ON connection_test_credentials USING ((SELECT app.is_system()) OR app.owns_test(test_id))
  WITH CHECK ((SELECT app.is_system()) OR app.owns_test(test_id));
CREATE POLICY read_own ON connection_checks FOR SELECT USING ((SELECT app.is_system()) OR app.owns_connection(connection_id));
CREATE POLICY system_writes ON connection_checks USING ((SELECT app.is_system())) WITH CHECK ((SELECT app.is_system()));
CREATE POLICY read_own ON calls FOR SELECT USING ((SELECT app.is_admin()) OR user_id = (SELECT app.actor_id()));
CREATE POLICY system_prunes ON calls FOR DELETE USING ((SELECT app.is_system()));
CREATE POLICY make_own ON agent_tickets FOR INSERT WITH CHECK (user_id = (SELECT app.actor_id()) AND app.owns_agent(agent_id));
CREATE POLICY system_prunes ON agent_tickets FOR DELETE USING ((SELECT app.is_system()));
CREATE POLICY read_own ON agent_tickets FOR SELECT USING ((SELECT app.is_system()) OR user_id = (SELECT app.actor_id()));

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['connection_tools','connection_credentials','connection_tests','agent_tickets']
  LOOP
    EXECUTE format('GRANT SELECT ON public.%I TO toolberth_definer', t);
    EXECUTE format('CREATE POLICY definer_reads ON public.%I FOR SELECT TO toolberth_definer USING (true)', t);
  END LOOP;
END $$;
CREATE POLICY definer_adds ON calls FOR INSERT TO toolberth_definer WITH CHECK (true);
GRANT INSERT (id, at, agent_id, connection_id, server_id, user_id, tool, outcome, code, ms, request_bytes, response_bytes, arguments, via)
  ON calls TO toolberth_definer;
GRANT UPDATE (next_check_at) ON connections TO toolberth_definer;
CREATE POLICY definer_updates ON mcp_servers FOR UPDATE TO toolberth_definer USING (true) WITH CHECK (true);
GRANT UPDATE (recheck_requested_at) ON mcp_servers TO toolberth_definer;

-- Calls as a JSON array of objects, keys as the columns in camel case; one that stands there already, or whose agent is gone, is left out.
CREATE FUNCTION app.log_calls(batch jsonb) RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    INSERT INTO public.calls (id, at, agent_id, connection_id, server_id, user_id, tool, outcome, code, ms, request_bytes, response_bytes,
      arguments, via)
    SELECT r.id, r.at, r."agentId", r."connectionId", r."serverId", r."userId", r.tool, r.outcome, r.code, r.ms, r."requestBytes",
      r."responseBytes", nullif(r.arguments, 'null'::jsonb), r.via
    FROM ROWS FROM (jsonb_to_recordset(batch) AS (id uuid, at timestamptz, "agentId" uuid, "connectionId" uuid, "serverId" uuid,
      "userId" uuid, tool text, outcome text, code text, ms integer, "requestBytes" integer, "responseBytes" integer, arguments jsonb,
      via text)) AS r
    WHERE EXISTS (SELECT FROM public.agents a WHERE a.id = r."agentId")
    ON CONFLICT DO NOTHING $$;

-- Asks for a probe of a server, since what it offers may have changed; at most once every 5 s.
CREATE FUNCTION app.request_recheck(server uuid) RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    WITH asked AS (
      UPDATE public.mcp_servers SET recheck_requested_at = clock_timestamp()
      WHERE id = server AND deleted_at IS NULL
        AND (recheck_requested_at IS NULL OR recheck_requested_at < clock_timestamp() - interval '5 seconds')
      RETURNING id),
    due AS (
      UPDATE public.connections c SET next_check_at = clock_timestamp() FROM asked
      WHERE c.server_id = asked.id AND c.state <> 'disconnected' RETURNING c.id)
    SELECT EXISTS (SELECT FROM asked) AND (SELECT count(*) FROM due) >= 0 $$;

-- The older of the two tokens counts until it expires, a ticket likewise. Only its owner may replace a function.
GRANT CREATE ON SCHEMA app TO toolberth_definer;
SET LOCAL ROLE toolberth_definer;
CREATE OR REPLACE FUNCTION app.gateway_rights(hash bytea) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
    SELECT jsonb_build_object(
      'agentId', a.id, 'userId', a.user_id, 'agentName', a.name, 'callsPerMinute', a.calls_per_minute, 'maxConcurrent', a.max_concurrent,
      'via', bearer.via, 'expiresAt', to_char(bearer.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'connections', coalesce((
        SELECT jsonb_agg(jsonb_build_object(
          'id', c.id, 'slug', c.slug, 'prefixTools', c.prefix_tools, 'state', c.state,
          'settings', jsonb_build_object('timeoutMs', c.timeout_ms, 'retries', c.retries, 'logArguments', c.log_arguments,
            'callsPerMinute', c.calls_per_minute, 'maxConcurrent', c.max_concurrent, 'pinPolicy', c.pin_policy),
          'serverId', s.id, 'serverName', s.name, 'serverState', s.observed, 'instanceId', i.id,
          'transport', s.transport, 'sharing', s.sharing, 'era', s.era, 'serverInfo', s.server_info,
          'toolbox', CASE WHEN i.id IS NOT NULL AND t.url IS NOT NULL AND t.certificate IS NOT NULL
            THEN jsonb_build_object('id', t.id, 'url', t.url, 'certificate', t.certificate, 'state', t.state) END,
          'tools', coalesce((SELECT jsonb_agg(d.definition ORDER BY d.position) FROM public.mcp_server_tools d WHERE d.server_id = s.id), '[]'),
          'hashes', coalesce((SELECT jsonb_object_agg(d.name, encode(d.hash, 'hex')) FROM public.mcp_server_tools d WHERE d.server_id = s.id), '{}'),
          'pins', coalesce((SELECT jsonb_agg(jsonb_build_object('name', p.name, 'hash', encode(p.hash, 'hex'), 'enabled', p.enabled, 'alias', p.alias)
            ORDER BY p.name) FROM public.connection_tools p WHERE p.connection_id = c.id), '[]'),
          'credentials', coalesce((SELECT jsonb_agg(jsonb_build_object('kind', k.kind, 'name', k.name,
            'ciphertext', translate(encode(k.ciphertext, 'base64'), E'\n', ''), 'keyId', k.key_id) ORDER BY k.kind, k.name)
            FROM public.connection_credentials k WHERE k.connection_id = c.id), '[]'))
          ORDER BY c.created_at, c.id)
        FROM public.connections c
        JOIN public.mcp_servers s ON s.id = c.server_id AND s.deleted_at IS NULL
        LEFT JOIN public.instances i ON i.id = s.live_instance_id AND s.desired = 'running'
        LEFT JOIN public.toolboxes t ON t.id = i.toolbox_id
        WHERE c.agent_id = a.id AND c.state <> 'disconnected'
          AND (u.role = 'ADMIN' OR s.visibility = 'everyone'
            OR EXISTS (SELECT FROM public.server_grants g WHERE g.server_id = s.id AND g.user_id = a.user_id))), '[]'))
    FROM (
      SELECT b.id AS agent_id, NULL::text AS via, NULL::timestamptz AS expires_at FROM public.agents b WHERE b.token_hash = hash
      UNION ALL
      SELECT b.id, NULL, b.previous_token_expires_at FROM public.agents b
      WHERE b.previous_token_hash = hash AND b.previous_token_expires_at > clock_timestamp()
      UNION ALL
      SELECT k.agent_id, 'inspector', k.expires_at FROM public.agent_tickets k
      JOIN public.agents b ON b.id = k.agent_id AND b.user_id = k.user_id
      WHERE k.hash = gateway_rights.hash AND k.expires_at > clock_timestamp()) bearer
    JOIN public.agents a ON a.id = bearer.agent_id AND a.deleted_at IS NULL
    JOIN public.users u ON u.id = a.user_id AND u.disabled_at IS NULL
    LIMIT 1 $$;
-- Making a trigger takes the right to run its function.
GRANT EXECUTE ON FUNCTION app.bump_rights_version() TO SESSION_USER;
RESET ROLE;

DROP TRIGGER agents_rights ON agents;
CREATE CONSTRAINT TRIGGER agents_rights
  AFTER INSERT OR DELETE OR UPDATE OF token_hash, previous_token_hash, previous_token_expires_at, calls_per_minute, max_concurrent, deleted_at, name ON agents
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
DROP TRIGGER connections_rights ON connections;
CREATE CONSTRAINT TRIGGER connections_rights
  AFTER INSERT OR DELETE OR UPDATE OF state, slug, prefix_tools, timeout_ms, retries, log_arguments, calls_per_minute, max_concurrent, pin_policy ON connections
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
CREATE CONSTRAINT TRIGGER connection_tools_rights AFTER INSERT OR DELETE OR UPDATE ON connection_tools
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
CREATE CONSTRAINT TRIGGER connection_credentials_rights AFTER INSERT OR DELETE OR UPDATE ON connection_credentials
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
CREATE CONSTRAINT TRIGGER mcp_server_tools_rights AFTER INSERT OR DELETE OR UPDATE ON mcp_server_tools
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();
DROP TRIGGER mcp_servers_rights ON mcp_servers;
CREATE CONSTRAINT TRIGGER mcp_servers_rights
  AFTER DELETE OR UPDATE OF live_instance_id, visibility, desired, observed, server_info, era, sharing, transport, deleted_at ON mcp_servers
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.bump_rights_version();

REVOKE EXECUTE ON FUNCTION app.owns_connection(uuid), app.owns_test(uuid), app.log_calls(jsonb), app.request_recheck(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.owns_connection(uuid), app.owns_test(uuid), app.log_calls(jsonb), app.request_recheck(uuid)
  TO toolberth_app, toolberth_definer;
ALTER FUNCTION app.owns_connection(uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.owns_test(uuid) OWNER TO toolberth_definer;
ALTER FUNCTION app.log_calls(jsonb) OWNER TO toolberth_definer;
ALTER FUNCTION app.request_recheck(uuid) OWNER TO toolberth_definer;
REVOKE CREATE ON SCHEMA app FROM toolberth_definer;
