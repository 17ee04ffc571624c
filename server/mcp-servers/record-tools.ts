import { createHash } from 'node:crypto'
import type { ToolDefinition } from '#contracts/probe.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'

/** Of each kind of change an event names so many tools; a server may change hundreds at once. */
const NAMED = 20

/** Replaces the tools that users see of a server, and tells those who are connected what became different. */
export async function recordTools(db: Db, serverId: string, tools: readonly ToolDefinition[]): Promise<void> {
  const before = await db.mcpServerTool.findMany({ where: { serverId }, select: { name: true, hash: true } })
  const now = tools.map((definition) => ({ definition, hash: hashTool(definition) }))
  await db.mcpServerTool.deleteMany({ where: { serverId } })
  await db.mcpServerTool.createMany({
    data: now.map(({ definition, hash }, position) => ({
      serverId,
      name: definition.name,
      position,
      definition: definition as Prisma.InputJsonObject,
      hash: Uint8Array.from(hash),
    })),
  })
  const known = new Map(before.map(({ name, hash }) => [name, hash]))
  const offered = new Set(tools.map(({ name }) => name))
  const changes = {
    added: now.filter(({ definition }) => !known.has(definition.name)),
    changed: now.filter(({ definition, hash }) => {
      const old = known.get(definition.name)
      return old !== undefined && !hash.equals(old)
    }),
  }
  await tellConnections(db, serverId, {
    added: changes.added.map(({ definition }) => definition.name),
    changed: changes.changed.map(({ definition }) => definition.name),
    removed: before.flatMap(({ name }) => (offered.has(name) ? [] : [name])),
  })
}

async function tellConnections(db: Db, serverId: string, changes: Record<string, string[]>): Promise<void> {
  if (Object.values(changes).every(({ length }) => length === 0)) return
  const connections = await db.connection.findMany({
    where: { serverId, state: { not: 'disconnected' } },
    select: { id: true, agentId: true, userId: true },
  })
  const data = Object.fromEntries(
    Object.entries(changes).map(([kind, names]) => [
      kind,
      { count: names.length, names: names.slice(0, NAMED) },
    ]),
  )
  for (const { id, agentId, userId } of connections)
    await emit(db, {
      type: 'connection.tools',
      subjectId: id,
      agentId,
      serverId,
      audience: [`user:${userId}`],
      data,
    })
}

function hashTool(tool: ToolDefinition): Buffer {
  const { name, description, inputSchema, outputSchema } = tool
  return createHash('sha256')
    .update(JSON.stringify([name, description ?? null, inputSchema, outputSchema ?? null]))
    .digest()
}
