import type { z } from 'zod'
import type { Call, CallList, ListCalls } from '#contracts/calls.ts'
import { Id } from '#contracts/names.ts'
import type { UserCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'

type Row = Omit<Call, 'at'> & { at: Date }

/** Calls of one's own connection, newest first, also of one that was disconnected. Throws AppError NOT_FOUND, BAD_REQUEST (cursor). */
export async function listCalls({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: z.infer<typeof ListCalls>
}): Promise<z.infer<typeof CallList>> {
  const after = input.cursor === undefined ? null : readCursor(input.cursor)
  return withActor(ctx.actor, async (db) => {
    const connection = await db.connection.findFirst({ where: { id: input.id }, select: { id: true } })
    if (!connection) throw new AppError('NOT_FOUND', `no connection ${input.id}`)
    const rows = await db.$queryRaw<Row[]>`
      SELECT id, at, agent_id AS "agentId", connection_id AS "connectionId", server_id AS "serverId", tool, outcome, code, ms, request_bytes AS "requestBytes", response_bytes AS "responseBytes", arguments,
        CASE WHEN via = 'inspector' THEN via END AS via
      FROM calls WHERE connection_id = ${input.id}::uuid
        ${input.tool === undefined ? Prisma.empty : Prisma.sql`AND tool = ${input.tool}`}
        ${input.outcome === undefined ? Prisma.empty : Prisma.sql`AND outcome::text = ${input.outcome}`}
        ${after ? Prisma.sql`AND (at, id) < (${after.at}::timestamptz, ${after.id}::uuid)` : Prisma.empty}
      ORDER BY at DESC, id DESC LIMIT ${input.limit + 1}::int`
    const items = rows.slice(0, input.limit)
    const last = items.at(-1)
    return {
      items: items.map((row) => ({ ...row, at: row.at.toISOString() })),
      next: rows.length > input.limit && last ? `${last.at.toISOString()}_${last.id}` : null,
    }
  })
}

function readCursor(cursor: string): { at: string; id: string } {
  const [at = '', id = ''] = cursor.split('_')
  if (Number.isNaN(Date.parse(at)) || !Id.safeParse(id).success)
    throw new AppError('BAD_REQUEST', 'unreadable cursor', {
      fields: { cursor: ['Use the cursor of the page before.'] },
    })
  return { at: new Date(at).toISOString(), id }
}
