import { z } from 'zod'
import { Failure } from './errors.ts'
import { Id, Text } from './names.ts'
import { ToolDefinition } from './probe.ts'
import { Cursor, ServerState, Timestamp } from './servers.ts'

export const AgentName = Text.trim().min(1, 'Give the agent a name.').max(60, 'Use at most 60 characters.')

export const Agent = z.object({
  id: Id,
  name: z.string(),
  /** First characters of the token, to recognise it by. */
  tokenPrefix: z.string(),
  /** The URL that MCP clients call. */
  url: z.string(),
  connectionCount: z.int(),
  toolCount: z.int(),
  lastUsedAt: Timestamp.nullable(),
  createdAt: Timestamp,
})
export type Agent = z.infer<typeof Agent>

export const CreateAgent = z.strictObject({ name: AgentName })
/** `token` is shown this once. */
export const AgentWithToken = Agent.extend({ token: z.string() })
export const UpdateAgent = z.strictObject({ id: Id, name: AgentName })

export const ConnectionState = z.enum(['testing', 'connected', 'failing', 'disconnected'])
export type ConnectionState = z.infer<typeof ConnectionState>

/** Prefix of the tools' names. */
export const Slug = z
  .string()
  .min(1, 'Give it at least one character.')
  .max(40, 'Use at most 40 characters.')
  .regex(/^[a-z0-9](-?[a-z0-9])*$/, 'Use lower-case letters, digits and single dashes between them.')

export const TestStage = z.object({
  name: z.enum(['connect', 'initialize', 'tools']),
  state: z.enum(['running', 'passed', 'failed']),
  ms: z.number().nullable(),
})
export const TestAttempt = z.object({
  number: z.int(),
  startedAt: Timestamp,
  stages: z.array(TestStage),
  failure: Failure.nullable(),
  /** Milliseconds until the next attempt; null when there is none. */
  retryInMs: z.number().nullable(),
})
export type TestAttempt = z.infer<typeof TestAttempt>

export const TestState = z.enum(['queued', 'running', 'passed', 'failed', 'cancelled'])
export type TestState = z.infer<typeof TestState>

export const ConnectionTest = z.object({
  id: Id,
  agentId: Id,
  serverId: Id,
  state: TestState,
  maxAttempts: z.int(),
  attempts: z.array(TestAttempt),
  failure: Failure.nullable(),
  /** What the server answered, once passed. */
  result: z
    .object({
      protocolVersion: z.string(),
      serverName: z.string(),
      serverVersion: z.string().nullable(),
      capabilities: z.array(z.string()),
      tools: z.array(ToolDefinition),
      latencyMs: z.number(),
    })
    .nullable(),
  createdAt: Timestamp,
  finishedAt: Timestamp.nullable(),
})
export type ConnectionTest = z.infer<typeof ConnectionTest>

export const Connection = z.object({
  id: Id,
  agentId: Id,
  server: z.object({ id: Id, name: z.string(), description: z.string().nullable(), state: ServerState }),
  slug: z.string(),
  prefixTools: z.boolean(),
  state: ConnectionState,
  failure: Failure.nullable(),
  lastTestedAt: Timestamp.nullable(),
  latencyMs: z.number().nullable(),
  /** Names as the agent sees them at the gateway. */
  tools: z.array(
    z.object({ name: z.string(), title: z.string().nullable(), description: z.string().nullable() }),
  ),
  createdAt: Timestamp,
})
export type Connection = z.infer<typeof Connection>

export const AvailableServer = z.object({
  id: Id,
  name: z.string(),
  description: z.string().nullable(),
  state: ServerState,
  tools: z.array(
    z.object({ name: z.string(), title: z.string().nullable(), description: z.string().nullable() }),
  ),
  /** The agent's connection to it, if there is one. */
  connectionId: Id.nullable(),
})
export type AvailableServer = z.infer<typeof AvailableServer>

export const AgentList = z.object({ cursor: Cursor, items: z.array(Agent) })
export const AgentGet = Agent.extend({ cursor: Cursor })
export const ConnectionList = z.object({ cursor: Cursor, items: z.array(Connection) })
export const AvailableList = z.object({ cursor: Cursor, items: z.array(AvailableServer) })

export const ForAgent = z.strictObject({ agentId: Id })
export const TestConnection = z.strictObject({
  agentId: Id,
  serverId: Id,
  /** false: answer at once with a test that is going on; follow it by events or `connections.testResult`. */
  wait: z.boolean().default(true),
})
export const CreateConnection = z.strictObject({
  agentId: Id,
  serverId: Id,
  /** A test that passed within the last 5 minutes; left out: a new one is made first. */
  testId: Id.optional(),
  slug: Slug.optional(),
  prefixTools: z.boolean().default(true),
})
export type CreateConnection = z.infer<typeof CreateConnection>
