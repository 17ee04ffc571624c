import { negotiateProtocol } from '#protocol/versions.ts'
import { systemCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { getStatus, type ToolboxAddress } from '#server/dtma/client.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { toFailure } from '#server/errors.ts'
import { recordInstanceStatuses } from '#server/instances/record-statuses.ts'
import { observeServer } from '#server/mcp-servers/observe.ts'
import { moveToolbox, reviveToolbox } from './transition.ts'

/** Three heartbeats missed. */
export const SILENT_AFTER_MS = 45_000

const actor = systemCtx('status-sync').actor

/** Asks every toolbox what it runs, all at once: one that hangs delays no other. */
export async function syncToolboxes(): Promise<void> {
  const rows = await withActor(actor, (db) =>
    db.toolbox.findMany({
      where: {
        state: { in: ['active', 'unreachable', 'draining', 'deleting'] },
        deletedAt: null,
        url: { not: null },
        certificate: { not: null },
      },
      select: { id: true, url: true, certificate: true, lastHeartbeatAt: true, createdAt: true },
    }),
  )
  await Promise.all(
    rows.map(async ({ id, url, certificate, lastHeartbeatAt, createdAt }) => {
      if (url && certificate) await syncToolbox({ id, url, certificate }, lastHeartbeatAt ?? createdAt)
    }),
  )
}

/**
 * One toolbox: an answer revives it and updates its instances. No answer alone does not condemn it: only when its heartbeats are
 * missing too it becomes unreachable.
 */
async function syncToolbox(toolbox: ToolboxAddress, lastHeartbeatAt: Date): Promise<void> {
  try {
    const status = await getStatus(toolbox)
    // What it says may mean something else; its heartbeats are refused, and say why.
    if (!negotiateProtocol([status.protocolVersion]).ok) return
    await withActor(actor, async (db) => {
      const row = await db.toolbox.findUnique({ where: { id: toolbox.id }, select: { state: true } })
      const revived = row?.state === 'unreachable' && (await reviveToolbox(db, toolbox.id))
      await recordInstanceStatuses(db, toolbox.id, status.instances)
      if (revived) await observeServersOn(db, toolbox.id)
    })
  } catch (error) {
    if (!(error instanceof DtmaError)) throw error
    if (Date.now() - lastHeartbeatAt.getTime() >= SILENT_AFTER_MS) await markUnreachable(toolbox.id, error)
  }
}

async function markUnreachable(toolboxId: string, error: DtmaError): Promise<void> {
  await withActor(actor, async (db) => {
    if (await moveToolbox(db, toolboxId, 'unreachable', toFailure(error.code, { detail: error.message })))
      await observeServersOn(db, toolboxId)
  })
}

/** Lets the servers of a toolbox follow its own state. */
export async function observeServersOn(db: Db, toolboxId: string): Promise<void> {
  const servers = await db.mcpServer.findMany({ where: { toolboxId, deletedAt: null }, select: { id: true } })
  for (const { id } of servers) await observeServer(db, id)
}
