import { createHash } from 'node:crypto'
import type { ToolDefinition } from '#contracts/probe.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'

/** Replaces the tools that users see of a server. */
export async function recordTools(db: Db, serverId: string, tools: readonly ToolDefinition[]): Promise<void> {
  await db.mcpServerTool.deleteMany({ where: { serverId } })
  await db.mcpServerTool.createMany({
    data: tools.map((tool, position) => ({
      serverId,
      name: tool.name,
      position,
      definition: tool as Prisma.InputJsonObject,
      hash: Uint8Array.from(hashTool(tool)),
    })),
  })
}

function hashTool(tool: ToolDefinition): Buffer {
  const { name, description, inputSchema, outputSchema } = tool
  return createHash('sha256')
    .update(JSON.stringify([name, description ?? null, inputSchema, outputSchema ?? null]))
    .digest()
}
