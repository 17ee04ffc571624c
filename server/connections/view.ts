import { z } from 'zod'
import { type Connection, type ConnectionTest, TestAttempt } from '#contracts/agents.ts'
import { Failure } from '#contracts/errors.ts'
import { ToolDefinition } from '#contracts/probe.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { connectionTools, PINS_SELECT, toolChanges } from './pins.ts'
import { MAX_ATTEMPTS } from './retry-delay.ts'

export const TOOLS_SELECT = {
  orderBy: { position: 'asc' },
  select: { definition: true },
} satisfies Prisma.McpServer$toolsArgs

export const CONNECTION_INCLUDE = {
  tools: PINS_SELECT.tools,
  server: {
    select: {
      id: true,
      name: true,
      description: true,
      observed: true,
      tools: PINS_SELECT.server.select.tools,
    },
  },
} satisfies Prisma.ConnectionInclude

type Row = Prisma.ConnectionGetPayload<{ include: typeof CONNECTION_INCLUDE }>

/** Of its tools those that the agent can call. */
export function connectionView(row: Row): Connection {
  const tools = connectionTools(row)
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
    tools: tools.flatMap(({ exposedName, current }) =>
      exposedName === null || current === null
        ? []
        : [{ name: exposedName, title: current.title ?? null, description: current.description ?? null }],
    ),
    toolChanges: toolChanges(tools),
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
