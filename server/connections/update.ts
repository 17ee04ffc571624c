import type { ConnectionDetail, UpdateConnection } from '#contracts/agents.ts'
import type { ToolOverride } from '#contracts/connection-settings.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError, isUniqueViolation } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { checkConnectionSoon } from './checks/check-soon.ts'
import {
  credentialChanges,
  credentialStates,
  requireCarriable,
  requireComplete,
  saveCredentials,
} from './credentials.ts'
import { connectionDetail } from './detail.ts'
import { fetchConnection } from './fetch.ts'
import { openCredentials } from './open-credentials.ts'
import { overrideTools } from './override-tools.ts'
import { slugTaken } from './slug.ts'

/**
 * Changes what is given of a connection's settings, prefix, tools and credentials; what is left out stays. Throws AppError NOT_FOUND,
 * CONNECTION_ENDED, SLUG_TAKEN, CREDENTIALS_MISSING, BAD_REQUEST (naming the fields).
 */
export async function updateConnection({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: UpdateConnection
}): Promise<ConnectionDetail> {
  const { id, tools, credentials, headers, ...settings } = input
  try {
    return await withActor(ctx.actor, async (db) => {
      const row = await fetchConnection(db, id)
      if (row.state === 'disconnected') throw new AppError('CONNECTION_ENDED', `connection ${id}`)
      const changes = credentialChanges(row.server, { credentials, headers })
      const data = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
      if (Object.keys(data).length > 0) await db.connection.update({ where: { id }, data })
      await saveCredentials(db, id, changes)
      if (changes.length > 0) {
        await stillFits(db, id, row.server, changes)
        await checkConnectionSoon(db, id)
      }
      await overrideTools(db, id, tools ?? [])
      await emit(db, {
        type: 'connection.updated',
        subjectId: id,
        agentId: row.agentId,
        serverId: row.serverId,
        audience: [`user:${ctx.actor.userId}`],
        data: { state: row.state, changed: whatChanged(data, tools, changes) },
      })
      await recordAudit(db, ctx, {
        action: 'connection.update',
        subjectType: 'connection',
        subjectId: id,
        detail: { agentId: row.agentId, serverId: row.serverId, ...data, ...said(tools, changes) },
      })
      return connectionDetail(db, id)
    })
  } catch (error) {
    if (isUniqueViolation(error, 'connections_slug_unique')) throw slugTaken(input.slug ?? '', error)
    throw error
  }
}

/** For the list of events, which names kinds of things and no values. */
function whatChanged(settings: object, tools: unknown[] | undefined, credentials: unknown[]): string[] {
  const counts = {
    settings: Object.keys(settings).length,
    tools: tools?.length ?? 0,
    credentials: credentials.length,
  }
  return Object.entries(counts).flatMap(([kind, count]) => (count > 0 ? [kind] : []))
}

/** With what is stored by now nothing is missing, and all of it can be carried. */
async function stillFits(
  db: Db,
  connectionId: string,
  server: { userCredentials: unknown },
  changes: readonly { name: string }[],
): Promise<void> {
  const stored = await db.connectionCredential.findMany({ where: { connectionId } })
  requireComplete(credentialStates(server, stored))
  requireCarriable(
    openCredentials(connectionId, stored),
    changes.map(({ name }) => name),
  )
}

/** Of tools and secrets the names alone. */
function said(tools: ToolOverride[] | undefined, changes: { name: string; value: string | null }[]) {
  return {
    ...(tools && tools.length > 0 && { tools: tools.map(({ name }) => name) }),
    ...(changes.length > 0 && {
      credentials: changes.map(({ name, value }) => (value === null ? `${name} (removed)` : name)),
    }),
  }
}
