import type { Agent } from '#contracts/agents.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { env } from '#server/env.ts'

export const AGENT_INCLUDE = {
  connections: {
    where: { state: { not: 'disconnected' }, server: { deletedAt: null } },
    select: { server: { select: { _count: { select: { tools: true } } } } },
  },
} satisfies Prisma.AgentInclude

type Row = Prisma.AgentGetPayload<{ include: typeof AGENT_INCLUDE }>

export function agentView(row: Row): Agent {
  return {
    id: row.id,
    name: row.name,
    tokenPrefix: row.tokenPrefix,
    url: `${env.GATEWAY_PUBLIC_URL}/agents/${row.id}/mcp`,
    connectionCount: row.connections.length,
    toolCount: row.connections.reduce((sum, { server }) => sum + server._count.tools, 0),
    previousTokenUntil: stillCounts(row.previousTokenExpiresAt),
    callsPerMinute: row.callsPerMinute,
    maxConcurrent: row.maxConcurrent,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  }
}

function stillCounts(until: Date | null): string | null {
  return until !== null && until.getTime() > Date.now() ? until.toISOString() : null
}
