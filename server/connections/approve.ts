import type { z } from 'zod'
import type { ConnectionDetail } from '#contracts/agents.ts'
import type { ApproveTools } from '#contracts/connection-settings.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { connectionDetail } from './detail.ts'
import { fetchConnection } from './fetch.ts'
import { connectionTools, PINS_SELECT } from './pins.ts'

/**
 * Takes tools as they are now for approved: changed and new ones can be called from then on, removed ones are forgotten. Switches and
 * other names stay. Idempotent. Throws AppError NOT_FOUND, CONNECTION_ENDED, BAD_REQUEST for names that the connection has not.
 */
export async function approveTools({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.infer<typeof ApproveTools>
}): Promise<ConnectionDetail> {
  const { id } = input
  return withActor(ctx.actor, async (db) => {
    const { state, agentId, serverId } = await fetchConnection(db, id)
    if (state === 'disconnected') throw new AppError('CONNECTION_ENDED', `connection ${id}`)
    const row = await db.connection.findUniqueOrThrow({ where: { id }, select: PINS_SELECT })
    const tools = connectionTools(row)
    const unknown = input.tools?.filter((name) => !tools.some((tool) => tool.name === name)) ?? []
    if (unknown.length > 0)
      throw new AppError('BAD_REQUEST', 'tools', {
        fields: { tools: [`The connection has no tool ${unknown.join(', ')}.`] },
      })
    const wanted = tools.filter(
      ({ pin, name }) => pin !== 'approved' && (input.tools?.includes(name) ?? true),
    )
    if (wanted.length === 0) return connectionDetail(db, id)
    for (const { name, pin } of wanted) {
      if (pin === 'removed') {
        await db.connectionTool.delete({ where: { connectionId_name: { connectionId: id, name } } })
        continue
      }
      const offered = row.server.tools.find((tool) => tool.name === name)
      if (offered === undefined) continue
      const as = {
        hash: Uint8Array.from(offered.hash),
        definition: offered.definition as Prisma.InputJsonObject,
        approvedAt: new Date(),
      }
      await db.connectionTool.upsert({
        where: { connectionId_name: { connectionId: id, name } },
        create: { connectionId: id, name, ...as },
        update: as,
      })
    }
    await emit(db, {
      type: 'connection.updated',
      subjectId: id,
      agentId,
      serverId,
      audience: [`user:${ctx.actor.userId}`],
      data: { state, approved: wanted.length },
    })
    await recordAudit(db, ctx, {
      action: 'connection.approve',
      subjectType: 'connection',
      subjectId: id,
      detail: { agentId, serverId, tools: wanted.map(({ name, pin }) => `${name} (${pin})`) },
    })
    return connectionDetail(db, id)
  })
}
