import type { InstanceStatus } from '#contracts/instances.ts'
import { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { toFailure } from '#server/errors.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'

/**
 * Writes what an agent said of its instances, and lets the servers follow. An instance that shall be absent and that the agent
 * no longer has is gone. Instances that are not this toolbox's are ignored: an agent speaks for its own only.
 */
export async function recordInstanceStatuses(
  db: Db,
  toolboxId: string,
  statuses: readonly InstanceStatus[],
): Promise<void> {
  const rows = await db.instance.findMany({ where: { toolboxId, goneAt: null, accepted: true } })
  const said = new Map(statuses.map((status) => [status.id, status]))
  for (const row of rows) {
    const status = said.get(row.id)
    if (status) await recordInstanceStatus(db, row, status)
  }
}

type InstanceRow = Awaited<ReturnType<Db['instance']['findUniqueOrThrow']>>

/** One instance's status. Answers a changed server to the pages through its event. */
export async function recordInstanceStatus(db: Db, row: InstanceRow, status: InstanceStatus): Promise<void> {
  const gone = row.desired === 'absent' && status.state === 'absent'
  const changed =
    row.observed !== status.state ||
    row.restarts !== status.restarts ||
    row.phase !== status.phase ||
    row.exitCode !== status.exitCode
  await db.instance.updateMany({
    where: { id: row.id, goneAt: null },
    data: {
      observed: status.state,
      phase: status.phase,
      exitCode: status.exitCode,
      restarts: status.restarts,
      startedAt: status.startedAt,
      memoryBytes: status.memoryBytes === null ? null : BigInt(Math.round(status.memoryBytes)),
      resolvedVersion: status.resolvedVersion,
      failure: status.error
        ? toFailure(status.error.code, {
            detail: status.error.detail,
            variable: status.error.variable,
            exitCode: status.exitCode,
          })
        : Prisma.DbNull,
      observedAt: new Date(),
      ...(gone && { goneAt: new Date() }),
    },
  })
  if (changed) await observeServer(db, row.serverId)
}
