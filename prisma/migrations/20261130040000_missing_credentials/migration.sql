-- Tells gateways what a connection lacks of what its server asks of each user, so that no call is sent without.
-- What a server asks changes together with its live instance, which moves the version already.
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
            FROM public.connection_credentials k WHERE k.connection_id = c.id), '[]'),
          'missingCredentials', coalesce((SELECT jsonb_agg(one.asked->>'name' ORDER BY one.place)
            FROM pg_catalog.jsonb_array_elements(s.user_credentials) WITH ORDINALITY AS one(asked, place)
            WHERE coalesce((one.asked->>'required')::boolean, true) AND NOT EXISTS (SELECT FROM public.connection_credentials k
              WHERE k.connection_id = c.id AND k.kind::text = one.asked->>'kind' AND k.name = one.asked->>'name')), '[]'))
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
RESET ROLE;
REVOKE CREATE ON SCHEMA app FROM toolberth_definer;
