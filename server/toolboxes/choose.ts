import { HostMetrics } from '#contracts/dtma.ts'
import type { Limits } from '#contracts/instances.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'

const MIB = 1024 * 1024

interface Candidate {
  id: string
  name: string
  state: string
  host: unknown
  committedMb: number
}

/**
 * Memory that the toolbox has left for servers: what it has, less the limits of every instance on it (a server that is updated has
 * two for a while) and of every deployment that has none yet.
 */
function roomMb(toolbox: Candidate): number {
  const host = HostMetrics.safeParse(toolbox.host)
  return host.success ? Math.floor(host.data.memoryTotalBytes / MIB) - toolbox.committedMb : 0
}

/**
 * The toolbox asked for, or the active one with the most room. Throws AppError TOOLBOX_NOT_FOUND, TOOLBOX_NOT_ACTIVE, TOOLBOX_FULL
 * or NO_TOOLBOX_AVAILABLE. Locks the rows that it reads, so that two deploys cannot take the same room; not against the keys that
 * a worker's new instances refer to. Takes its locks before those of servers, as everything does.
 */
export async function chooseToolbox(db: Db, wantedId: string | undefined, limits: Limits): Promise<string> {
  await db.$queryRaw`SELECT id FROM toolboxes WHERE ${wantedId ?? null}::uuid IS NULL OR id = ${wantedId ?? null}::uuid ORDER BY id FOR NO KEY UPDATE`
  const candidates = await db.$queryRaw<Candidate[]>`
    SELECT t.id, t.name, t.state::text AS state, t.host, ((
      SELECT coalesce(sum((r.spec->'limits'->>'memoryMb')::int), 0) FROM instances i
      JOIN revisions r ON r.id = i.revision_id JOIN mcp_servers s ON s.id = i.server_id
      WHERE i.toolbox_id = t.id AND i.desired <> 'absent' AND NOT (s.observed = 'failed' AND i.id = s.live_instance_id)
    ) + (
      SELECT coalesce(sum((r.spec->'limits'->>'memoryMb')::int), 0) FROM deployments d
      JOIN revisions r ON r.id = d.revision_id JOIN mcp_servers s ON s.id = d.server_id
      WHERE s.toolbox_id = t.id AND d.state = 'queued' AND d.instance_id IS NULL
    ))::int AS "committedMb"
    FROM toolboxes t WHERE ${wantedId ?? null}::uuid IS NULL OR t.id = ${wantedId ?? null}::uuid`
  if (wantedId !== undefined) {
    const [toolbox] = candidates
    if (!toolbox)
      throw new AppError('TOOLBOX_NOT_FOUND', `no toolbox ${wantedId}`, {
        fields: { toolboxId: ['There is no such toolbox.'] },
      })
    if (toolbox.state !== 'active')
      throw new AppError('TOOLBOX_NOT_ACTIVE', `${toolbox.name} is ${toolbox.state}`, {
        detail: `${toolbox.name} is ${toolbox.state}.`,
      })
    if (roomMb(toolbox) < limits.memoryMb)
      throw new AppError('TOOLBOX_FULL', `${toolbox.name} is full`, {
        detail: `${toolbox.name} has ${Math.max(0, roomMb(toolbox))} MiB of memory left, the server may use ${limits.memoryMb} MiB.`,
      })
    return toolbox.id
  }
  const fitting = candidates
    .filter((toolbox) => toolbox.state === 'active' && roomMb(toolbox) >= limits.memoryMb)
    .sort((a, b) => roomMb(b) - roomMb(a))
  const [best] = fitting
  if (!best)
    throw new AppError('NO_TOOLBOX_AVAILABLE', 'no toolbox fits', {
      detail: `${candidates.filter((toolbox) => toolbox.state === 'active').length} active toolboxes, none with ${limits.memoryMb} MiB of memory left.`,
    })
  return best.id
}
