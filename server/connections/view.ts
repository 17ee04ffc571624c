import { z } from 'zod'
import { type Connection, type ConnectionTest, TestAttempt } from '#contracts/agents.ts'
import { Failure } from '#contracts/errors.ts'
import { ToolDefinition } from '#contracts/probe.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { MAX_ATTEMPTS } from './retry-delay.ts'

export const TOOLS_SELECT = {
  orderBy: { position: 'asc' },
  select: { definition: true },
} satisfies Prisma.McpServer$toolsArgs

export const CONNECTION_INCLUDE = {
  server: { select: { id: true, name: true, description: true, observed: true, tools: TOOLS_SELECT } },
} satisfies Prisma.ConnectionInclude

type Row = Prisma.ConnectionGetPayload<{ include: typeof CONNECTION_INCLUDE }>

export function connectionView(row: Row): Connection {
  return {
    id: row.id,
    agentId: row.agentId,
    server: {
      id: row.server.id,
      name: row.server.name,
      description: row.server.description,
      state: row.server.observed,
    },
    slug: row.slug,
    prefixTools: row.prefixTools,
    state: row.state,
    failure: row.failure === null ? null : Failure.parse(row.failure),
    lastTestedAt: row.lastTestedAt?.toISOString() ?? null,
    latencyMs: row.latencyMs,
    tools: toolLines(row.server.tools).map((tool) => ({
      ...tool,
      name: row.prefixTools ? `${row.slug}__${tool.name}` : tool.name,
    })),
    createdAt: row.createdAt.toISOString(),
  }
}

/** What a list shows of tools. */
export function toolLines(rows: { definition: unknown }[]) {
  return rows.map((row) => {
    const { name, title, description } = ToolDefinition.parse(row.definition)
    return { name, title: title ?? null, description: description ?? null }
  })
}

type TestRow = Prisma.ConnectionTestGetPayload<object>

export const TestResult = z.object({
  protocolVersion: z.string(),
  serverName: z.string(),
  serverVersion: z.string().nullable(),
  capabilities: z.array(z.string()),
  tools: z.array(ToolDefinition),
  latencyMs: z.number(),
})

export function testView(row: TestRow): ConnectionTest {
  return {
    id: row.id,
    agentId: row.agentId,
    serverId: row.serverId,
    state: row.state,
    maxAttempts: MAX_ATTEMPTS,
    attempts: z.array(TestAttempt).parse(row.attempts),
    failure: row.failure === null ? null : Failure.parse(row.failure),
    result: row.result === null ? null : TestResult.parse(row.result),
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
  }
}
