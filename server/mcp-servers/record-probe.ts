import { isDeepStrictEqual } from 'node:util'
import type { ProbeResult } from '#contracts/probe.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import type { Db } from '#server/db/with-actor.ts'
import { emit } from '#server/events/emit.ts'
import { recordTools } from './record-tools.ts'

type Passed = Extract<ProbeResult, { ok: true }>

/** Columns of a server that follow from a probe that passed. */
export function probeFacts(probe: Passed) {
  return {
    era: probe.era,
    serverInfo: {
      name: probe.serverInfo.name,
      version: probe.serverInfo.version ?? null,
      protocolVersion: probe.protocolVersion,
      capabilities: probe.capabilities as Prisma.InputJsonObject,
    },
  }
}

/**
 * Keeps what a server answered a probe when it differs from what is known: its tools, whom it says it is and what it speaks. Pins
 * go by it, and the rights version moves with it, by which every gateway sees it. True: something changed.
 */
export async function recordProbe(db: Db, serverId: string, probe: Passed): Promise<boolean> {
  const server = await db.mcpServer.findUniqueOrThrow({
    where: { id: serverId },
    select: {
      era: true,
      serverInfo: true,
      tools: { orderBy: { position: 'asc' }, select: { definition: true } },
    },
  })
  const facts = probeFacts(probe)
  const sameTools = isDeepStrictEqual(
    server.tools.map(({ definition }) => definition),
    JSON.parse(JSON.stringify(probe.tools)),
  )
  const sameFacts =
    server.era === facts.era &&
    isDeepStrictEqual(server.serverInfo, JSON.parse(JSON.stringify(facts.serverInfo)))
  if (sameTools && sameFacts) return false
  if (!sameTools) await recordTools(db, serverId, probe.tools)
  if (!sameFacts) await db.mcpServer.update({ where: { id: serverId }, data: facts })
  await emit(db, {
    type: 'server.updated',
    subjectId: serverId,
    serverId,
    audience: { server: serverId },
    data: { toolsChanged: !sameTools },
  })
  return true
}
