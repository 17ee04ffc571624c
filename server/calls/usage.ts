import type { z } from 'zod'
import type { Usage, UsageRange } from '#contracts/calls.ts'
import { fetchAgent } from '#server/agents/fetch.ts'
import type { UserCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { fetchServer } from '#server/mcp-servers/fetch.ts'

type Range = z.infer<typeof UsageRange>

/** Length of a range and of the stretches it is shown in, both in seconds. */
const RANGES: Readonly<Record<Range, { seconds: number; step: number }>> = {
  '24h': { seconds: 24 * 3_600, step: 3_600 },
  '7d': { seconds: 7 * 24 * 3_600, step: 24 * 3_600 },
  '30d': { seconds: 30 * 24 * 3_600, step: 24 * 3_600 },
}
/** Tools that are told one by one; the most called come first. */
const MAX_TOOLS = 50

/** What one's own agent called: in all, over time, and by tool. Throws AppError NOT_FOUND. */
export async function agentUsage({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string; range: Range }
}): Promise<Usage> {
  return withActor(ctx.actor, async (db) => {
    await fetchAgent(db, input.id)
    return readUsage(db, Prisma.sql`agent_id = ${input.id}::uuid`, input.range)
  })
}

/** What all agents called of a server, for admins. Throws AppError NOT_FOUND. */
export async function serverUsage({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string; range: Range }
}): Promise<Usage> {
  return withActor(ctx.actor, async (db) => {
    await fetchServer(db, input.id)
    return readUsage(db, Prisma.sql`server_id = ${input.id}::uuid`, input.range)
  })
}

/** Figures of a set of calls; latencies are of calls that were answered, for a refused one takes no time. */
const FIGURES = Prisma.sql`
  count(c.id)::int AS calls,
  count(c.id) FILTER (WHERE c.outcome IN ('tool_error', 'failed'))::int AS errors,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY c.ms) FILTER (WHERE c.outcome IN ('ok', 'tool_error')) AS p50,
  percentile_disc(0.95) WITHIN GROUP (ORDER BY c.ms) FILTER (WHERE c.outcome IN ('ok', 'tool_error')) AS p95,
  coalesce(sum(c.request_bytes::int8 + c.response_bytes), 0)::float8 AS bytes`

async function readUsage(db: Db, of: Prisma.Sql, range: Range): Promise<Usage> {
  const { seconds, step } = RANGES[range]
  const bin = Prisma.sql`make_interval(secs => ${step}::float8)`
  // Whole stretches, so that the first is not shorter than the others.
  const since = Prisma.sql`(date_bin(${bin}, now() - make_interval(secs => ${seconds}::float8), 'epoch') + ${bin})`
  const mine = Prisma.sql`${of} AND at >= ${since} AND at <= now()`
  const [total] = await db.$queryRaw<Usage['total'][]>`SELECT ${FIGURES} FROM calls c WHERE ${mine}`
  if (!total) throw new Error('An aggregate without a row.')
  const series = await db.$queryRaw<(Usage['total'] & { from: Date })[]>`
    SELECT s.at AS "from", ${FIGURES} FROM generate_series(${since}, now(), ${bin}) AS s(at)
    LEFT JOIN (SELECT *, date_bin(${bin}, at, 'epoch') AS stretch FROM calls WHERE ${mine}) c ON c.stretch = s.at
    GROUP BY s.at ORDER BY s.at`
  const tools = await db.$queryRaw<Usage['tools']>`
    SELECT c.connection_id AS "connectionId", c.server_id AS "serverId", max(m.name) AS "serverName", c.tool, ${FIGURES}
    FROM calls c LEFT JOIN mcp_servers m ON m.id = c.server_id WHERE ${mine}
    GROUP BY c.connection_id, c.server_id, c.tool ORDER BY calls DESC, c.tool LIMIT ${MAX_TOOLS}::int`
  return {
    range,
    total,
    series: series.map(({ from, ...figures }) => ({ from: from.toISOString(), ...figures })),
    tools,
  }
}
