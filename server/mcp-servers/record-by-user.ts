import type { ProbeResult } from '#contracts/probe.ts'
import type { Db } from '#server/db/with-actor.ts'
import { recordProbe } from './record-probe.ts'

/**
 * Keeps what a server that asks its users for credentials answered one of them, since it may answer nobody else. So that users whom it
 * shows different tools do not take turns, one speaks for all: the oldest connection, or before there is one whoever tests first.
 */
export async function recordProbeOfUser(
  db: Db,
  serverId: string,
  connectionId: string | null,
  probe: Extract<ProbeResult, { ok: true }>,
): Promise<void> {
  const [row] = await db.$queryRaw<{ speaks: boolean }[]>`
    SELECT s.user_credentials <> '[]' AND (
      SELECT c.id FROM connections c WHERE c.server_id = s.id AND c.state <> 'disconnected' ORDER BY c.created_at, c.id LIMIT 1
    ) IS NOT DISTINCT FROM ${connectionId}::uuid AS speaks
    FROM mcp_servers s WHERE s.id = ${serverId}::uuid`
  if (row?.speaks) await recordProbe(db, serverId, probe)
}
