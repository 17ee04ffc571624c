import { HostMetrics } from '#contracts/dtma.ts'
import type { Limits } from '#contracts/instances.ts'
import type { Db } from '#server/db/with-actor.ts'
import { env } from '#server/env.ts'

const MIB = 1024 * 1024

/** What the limits of a server's instance may come to. */
type Amount = Pick<Limits, 'memoryMb' | 'cpus'>

/** That, and the driver that it takes; null when any will do. */
export type Needs = Amount & { driver: 'docker' | null }

export interface ToolboxRoom {
  readonly id: string
  readonly name: string
  readonly state: string
  /** Null before it was enrolled. */
  readonly driver: string | null
  /** Cores of the machine; null before its first heartbeat. */
  readonly cores: number | null
  /** Promised by the limits of what is there. */
  readonly committed: Amount
  /** Left to be promised; null before the first heartbeat. Negative where the machine has become smaller. */
  readonly left: Amount | null
}

interface Row {
  id: string
  name: string
  state: string
  driver: string | null
  host: unknown
  memoryMb: number
  cpus: number
}

/**
 * What each toolbox has promised and has left. Memory is promised once; CPUs `CPU_OVERCOMMIT` times, since limits are ceilings and
 * servers mostly wait. A server that is updated counts twice for a while, one that stands still or has failed not at all, and
 * neither does `except`, an instance that is about to be replaced or started again.
 */
export async function loadRoom(
  db: Db,
  options: { toolboxId?: string | undefined; except?: string | undefined } = {},
): Promise<ToolboxRoom[]> {
  const { toolboxId = null, except = null } = options
  const rows = await db.$queryRaw<Row[]>`
    SELECT t.id, t.name, t.state::text AS state, t.driver, t.host,
      coalesce(used.memory_mb, 0)::int AS "memoryMb", coalesce(used.cpus, 0)::float8 AS cpus
    FROM toolboxes t CROSS JOIN LATERAL (
      SELECT sum((taken.spec->'limits'->>'memoryMb')::int) AS memory_mb, sum((taken.spec->'limits'->>'cpus')::numeric) AS cpus
      FROM (
        SELECT r.spec FROM instances i
        JOIN revisions r ON r.id = i.revision_id JOIN mcp_servers s ON s.id = i.server_id
        WHERE i.toolbox_id = t.id AND i.gone_at IS NULL AND i.id IS DISTINCT FROM ${except}::uuid AND (
          (i.desired = 'running' AND NOT (s.observed = 'failed' AND i.id IS NOT DISTINCT FROM s.live_instance_id))
          OR (i.desired = 'stopped' AND i.observed NOT IN ('stopped', 'exited', 'failed', 'absent')))
        UNION ALL
        SELECT r.spec FROM deployments d
        JOIN revisions r ON r.id = d.revision_id JOIN mcp_servers s ON s.id = d.server_id
        WHERE coalesce(d.toolbox_id, s.toolbox_id) = t.id AND d.state IN ('queued', 'preparing') AND d.instance_id IS NULL
      ) AS taken
      WHERE taken.spec->'source'->>'type' <> 'remote'
    ) AS used
    WHERE ${toolboxId}::uuid IS NULL OR t.id = ${toolboxId}::uuid ORDER BY t.name`
  return rows.map(({ memoryMb, cpus, host, ...toolbox }) => {
    const known = HostMetrics.safeParse(host)
    const committed = { memoryMb, cpus: rounded(cpus) }
    if (!known.success) return { ...toolbox, cores: null, committed, left: null }
    const left = {
      memoryMb: Math.floor(known.data.memoryTotalBytes / MIB) - memoryMb,
      cpus: rounded(known.data.cpus * env.CPU_OVERCOMMIT - cpus),
    }
    return { ...toolbox, cores: known.data.cpus, committed, left }
  })
}

/** Whether its driver can run it at all. */
export function runsKind({ driver }: ToolboxRoom, needs: Needs): boolean {
  return needs.driver === null || driver === needs.driver
}

/** What a toolbox lacks for a server of these limits, as sentences for admins; none when it fits. */
export function shortages({ name, cores, left }: ToolboxRoom, needs: Needs): string[] {
  if (left === null || cores === null) return [`${name} has not said yet how much room it has.`]
  const lacking: string[] = []
  if (left.memoryMb < needs.memoryMb)
    lacking.push(
      `${name} has ${Math.max(0, left.memoryMb)} MiB of memory left, the server may use ${needs.memoryMb} MiB.`,
    )
  if (cores < needs.cpus)
    lacking.push(`${name} has ${inCpus(cores)}, the server may use ${inCpus(needs.cpus)}.`)
  else if (left.cpus < needs.cpus)
    lacking.push(
      `${name} has ${inCpus(Math.max(0, left.cpus))} left to promise, the server may use ${inCpus(needs.cpus)}.`,
    )
  return lacking
}

/** `1024 MiB of memory and 12 CPUs`. */
export function inWords(room: Amount): string {
  return `${Math.max(0, room.memoryMb)} MiB of memory and ${inCpus(Math.max(0, room.cpus))}`
}

function inCpus(cpus: number): string {
  return cpus === 1 ? '1 CPU' : `${rounded(cpus)} CPUs`
}

/** Tenths are as fine as limits are. */
function rounded(cpus: number): number {
  return Math.round(cpus * 10) / 10
}
