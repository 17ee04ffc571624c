import type { Failure } from '#contracts/errors.ts'
import type { ProbeResult } from '#contracts/probe.ts'
import { handshakeMs } from '#server/connections/handshake-ms.ts'
import { type MovedConnection, moveConnection } from '#server/connections/transition.ts'
import { systemCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { env } from '#server/env.ts'
import { emit } from '#server/events/emit.ts'
import { recordProbeOfUser } from '#server/mcp-servers/record-by-user.ts'
import { recordProbe } from '#server/mcp-servers/record-probe.ts'
import { nextCheckInMs } from './schedule.ts'

/** After a check that had nothing to look at. */
const AGAIN = '15 seconds'

const actor = systemCtx('connection-check').actor

/** What is checked at once: all connections of a server that are served alike, or the one that has credentials of its own. */
export interface Check {
  serverId: string
  connectionId: string | null
}

/** What a check found: what the server answered, or why it is no answer. */
export type CheckOutcome =
  | { probe: Extract<ProbeResult, { ok: true }>; failure: null }
  | { probe: null; failure: Failure }

interface Row extends MovedConnection {
  state: 'testing' | 'connected' | 'failing'
  failedInARow: number
  code: string | null
}

/**
 * Writes a check beside each connection that it stands for, plans the next one, and moves those whose state it changes. Does nothing
 * but let go when another instance is live by now: what was found is true of that one no more.
 */
export async function recordCheck(check: Check, instanceId: string, outcome: CheckOutcome): Promise<void> {
  const { probe, failure } = outcome
  await withActor(actor, async (db) => {
    const server = await db.mcpServer.findFirst({
      where: { id: check.serverId, liveInstanceId: instanceId, desired: 'running', deletedAt: null },
      select: { id: true },
    })
    if (!server) return letGo(db, check)
    const rows = await lockRows(db, check)
    const failedInARow = failure ? Math.max(0, ...rows.map((row) => row.failedInARow)) + 1 : 0
    await writeChecks(db, rows, outcome, failedInARow)
    for (const row of rows) {
      if (await moveConnection(db, row, failure ? 'failing' : 'connected', failure)) continue
      if (failure && row.code !== failure.code) await tellOtherCause(db, row, failure)
    }
    if (probe && check.connectionId === null) await recordProbe(db, check.serverId, probe)
    else if (probe) await recordProbeOfUser(db, check.serverId, check.connectionId, probe)
  })
}

/** Nothing was found out: whoever comes next may check. */
export async function releaseCheck(check: Check): Promise<void> {
  await withActor(actor, (db) => letGo(db, check))
}

/** The rows that a check stands for. */
function standsFor({ serverId, connectionId }: Check): Prisma.Sql {
  return connectionId === null
    ? Prisma.sql`server_id = ${serverId}::uuid AND state <> 'disconnected'
        AND NOT EXISTS (SELECT FROM connection_credentials k WHERE k.connection_id = connections.id)`
    : Prisma.sql`id = ${connectionId}::uuid AND state <> 'disconnected'`
}

async function letGo(db: Db, check: Check): Promise<void> {
  await db.$executeRaw`
    UPDATE connections SET check_lease_until = NULL, next_check_at = clock_timestamp() + ${AGAIN}::interval
    WHERE ${standsFor(check)}`
}

async function lockRows(db: Db, check: Check): Promise<Row[]> {
  return db.$queryRaw<Row[]>`
    SELECT id, agent_id AS "agentId", server_id AS "serverId", user_id AS "userId", slug, state::text AS state,
      check_attempt AS "failedInARow", failure->>'code' AS code
    FROM connections WHERE ${standsFor(check)} ORDER BY id FOR UPDATE`
}

async function writeChecks(
  db: Db,
  rows: Row[],
  { probe, failure }: CheckOutcome,
  failedInARow: number,
): Promise<void> {
  const ids = rows.map(({ id }) => id)
  const latencyMs = probe && Math.round(handshakeMs(probe))
  const inMs = nextCheckInMs(failedInARow, env.CONNECTION_RECHECK_SECONDS * 1_000)
  const text = failure && JSON.stringify(failure)
  await db.$executeRaw`
    UPDATE connections SET check_lease_until = NULL, check_attempt = ${failedInARow}::int, last_tested_at = clock_timestamp(),
      latency_ms = coalesce(${latencyMs}::int, latency_ms), failure = ${text}::jsonb,
      next_check_at = clock_timestamp() + make_interval(secs => ${inMs / 1_000}::float8)
    WHERE id = ANY(${ids}::uuid[])`
  await db.$executeRaw`
    INSERT INTO connection_checks (connection_id, ok, latency_ms, failure, attempt)
    SELECT unnest(${ids}::uuid[]), ${failure === null}, ${latencyMs}::int, ${text}::jsonb, ${Math.max(failedInARow, 1)}::int`
}

async function tellOtherCause(db: Db, row: Row, failure: Failure): Promise<void> {
  await emit(db, {
    type: 'connection.updated',
    subjectId: row.id,
    agentId: row.agentId,
    serverId: row.serverId,
    audience: [`user:${row.userId}`],
    data: { state: 'failing', slug: row.slug, failure: { code: failure.code } },
  })
}
