import type { HostMetrics } from '#contracts/dtma.ts'
import type { Metrics, MetricsRange } from '#contracts/toolboxes.ts'
import { systemCtx, type UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { fetchToolbox } from './fetch.ts'

/** Heartbeats come every 15 s and at each change; one sample in this time is enough for a line. */
const SAMPLE_SECONDS = 30
const KEEP = '7 days'
/** Rows deleted at a time. */
const PRUNE_BATCH = 20_000

/** Length of a range and of the stretches it is shown in, both in seconds: 60 to 170 points each, none shorter than two samples. */
const RANGES: Readonly<Record<MetricsRange, { seconds: number; step: number }>> = {
  '1h': { seconds: 3600, step: 60 },
  '6h': { seconds: 6 * 3600, step: 180 },
  '24h': { seconds: 24 * 3600, step: 600 },
  '7d': { seconds: 7 * 24 * 3600, step: 3600 },
}

/** Keeps what a heartbeat says of the machine, unless there is a sample of the last 30 s. */
export async function recordMetrics(db: Db, toolboxId: string, host: HostMetrics): Promise<void> {
  const bytes = (value: number) => BigInt(Math.max(0, Math.round(value)))
  await db.$executeRaw`
    INSERT INTO toolbox_metrics (toolbox_id, cpus, load, memory_total_bytes, memory_free_bytes, disk_total_bytes, disk_free_bytes)
    SELECT ${toolboxId}::uuid, ${host.cpus}::float8, ${host.load}::float8, ${bytes(host.memoryTotalBytes)}::bigint,
      ${bytes(host.memoryFreeBytes)}::bigint, ${bytes(host.diskTotalBytes)}::bigint, ${bytes(host.diskFreeBytes)}::bigint
    WHERE NOT EXISTS (SELECT FROM toolbox_metrics WHERE toolbox_id = ${toolboxId}::uuid
      AND at > clock_timestamp() - make_interval(secs => ${SAMPLE_SECONDS}::float8))`
}

interface Row {
  at: Date
  load: number | null
  loadMax: number | null
  memory: number | null
  memoryMax: number | null
  disk: number | null
  memoryTotal: number | null
  diskTotal: number | null
}

/** The machine over time. Stretches in which the toolbox said nothing are null: nothing is made up. Throws AppError NOT_FOUND. */
export async function readMetrics({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string; range: MetricsRange }
}): Promise<Metrics> {
  const { seconds, step } = RANGES[input.range]
  return withActor(ctx.actor, async (db) => {
    await fetchToolbox(db, input.id, { deleting: true })
    const rows = await db.$queryRaw<Row[]>`
      WITH stretch AS (
        SELECT generate_series(
          date_bin(make_interval(secs => ${step}::float8), now() - make_interval(secs => ${seconds}::float8), 'epoch')
            + make_interval(secs => ${step}::float8),
          now(), make_interval(secs => ${step}::float8)) AS at)
      SELECT s.at, avg(m.load / greatest(m.cpus, 1)) AS load, max(m.load / greatest(m.cpus, 1)) AS "loadMax",
        avg(m.memory_total_bytes - m.memory_free_bytes)::float8 AS memory,
        max(m.memory_total_bytes - m.memory_free_bytes)::float8 AS "memoryMax",
        avg(m.disk_total_bytes - m.disk_free_bytes)::float8 AS disk,
        max(m.memory_total_bytes)::float8 AS "memoryTotal", max(m.disk_total_bytes)::float8 AS "diskTotal"
      FROM stretch s LEFT JOIN toolbox_metrics m ON m.toolbox_id = ${input.id}::uuid
        AND m.at >= s.at AND m.at < s.at + make_interval(secs => ${step}::float8)
      GROUP BY s.at ORDER BY s.at`
    return {
      range: input.range,
      stepSeconds: step,
      memoryTotalBytes: rows.findLast((row) => row.memoryTotal !== null)?.memoryTotal ?? null,
      diskTotalBytes: rows.findLast((row) => row.diskTotal !== null)?.diskTotal ?? null,
      points: rows.map((row) => ({
        at: row.at.toISOString(),
        load: row.load,
        loadMax: row.loadMax,
        memoryUsedBytes: row.memory,
        memoryUsedMaxBytes: row.memoryMax,
        diskUsedBytes: row.disk,
      })),
    }
  })
}

/** Deletes what is older than any range. */
export async function pruneMetrics(): Promise<void> {
  await withActor(
    systemCtx('prune').actor,
    (db) => db.$executeRaw`
      DELETE FROM toolbox_metrics WHERE (toolbox_id, at) IN (
        SELECT toolbox_id, at FROM toolbox_metrics WHERE at < now() - ${KEEP}::interval LIMIT ${PRUNE_BATCH}::int)`,
  )
}
