import { z } from 'zod'
import {
  ConnectionInput,
  ConnectionSettings,
  ConnectionTool,
  CredentialState,
  HeaderValues,
  SecretValues,
  ToolChanges,
} from './connection-settings.ts'
import { Failure } from './errors.ts'
import { EventType } from './events.ts'
import { Id, Text, Timestamp } from './names.ts'
import { ProbeStageState, ToolDefinition } from './probe.ts'
import { Cursor, ServerState } from './servers.ts'
import { UserCredentials } from './user-credentials.ts'

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
  /** Until when the token before this one counts; null when it does not. */
  previousTokenUntil: Timestamp.nullable(),
  /** Null: the installation's limit. */
  callsPerMinute: z.int().nullable(),
  maxConcurrent: z.int().nullable(),
  lastUsedAt: Timestamp.nullable(),
  createdAt: Timestamp,
})
export type Agent = z.infer<typeof Agent>

export const CreateAgent = z.strictObject({ name: AgentName })
/** `token` is shown this once. */
export const AgentWithToken = Agent.extend({ token: z.string() })
export const UpdateAgent = z.strictObject({
  id: Id,
  name: AgentName.optional(),
  callsPerMinute: z.int().min(1).max(1_000_000).nullable().optional(),
  maxConcurrent: z.int().min(1).max(1000).nullable().optional(),
})
export const RotateToken = z.strictObject({
  id: Id,
  /** For how long the token before this one counts as well. */
  overlapMinutes: z.union([z.literal(0), z.literal(15), z.literal(60), z.literal(1440)]).default(0),
})

export const ConnectionState = z.enum(['testing', 'connected', 'failing', 'disconnected'])
export type ConnectionState = z.infer<typeof ConnectionState>

/** Prefix of the tools' names. */
export const Slug = z
  .string()
  .min(1, 'Give it at least one character.')
  .max(40, 'Use at most 40 characters.')
  .regex(/^[a-z0-9](-?[a-z0-9])*$/, 'Use lower-case letters, digits and single dashes between them.')

export const TestStage = z.object({
  /** As the probe names it; tests of older versions have other stages. */
  name: z.string(),
  state: ProbeStageState,
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
  toolChanges: ToolChanges,
  createdAt: Timestamp,
})
export type Connection = z.infer<typeof Connection>

export const ConnectionCheck = z.object({
  at: Timestamp,
  ok: z.boolean(),
  latencyMs: z.int().nullable(),
  failure: Failure.nullable(),
  /** Counts those that failed in a row; 1 for one that passed. */
  attempt: z.int(),
})
export type ConnectionCheck = z.infer<typeof ConnectionCheck>

/** All of one connection; of its secrets only whether they are there. */
export const ConnectionDetail = Connection.omit({ tools: true }).extend({
  cursor: Cursor,
  settings: ConnectionSettings,
  credentials: z.array(CredentialState),
  /** Whether it is called over HTTP, so that headers of the user's can go with its calls. */
  takesHeaders: z.boolean(),
  tools: z.array(ConnectionTool),
  /** Newest first, at most 500 of the last 7 days; also those of earlier connections of this agent to this server. */
  checks: z.array(ConnectionCheck),
  /** Of the last 24 hours. */
  calls: z.object({ total: z.int(), failed: z.int() }),
  nextCheckAt: Timestamp.nullable(),
  protocol: z.object({ version: z.string(), era: z.enum(['legacy', 'modern']).nullable() }).nullable(),
})
export type ConnectionDetail = z.infer<typeof ConnectionDetail>

/** Newest first. `next` asks for the older ones. */
export const ConnectionEvents = z.object({
  items: z.array(
    z.object({ id: z.string(), type: EventType, at: Timestamp, data: z.record(z.string(), z.unknown()) }),
  ),
  next: z.string().nullable(),
})

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
  categories: z.array(z.string()),
  /** Keys of MCP's capabilities, as the last probe that passed saw them. */
  capabilities: z.array(z.string()),
  userCredentials: UserCredentials,
  /** Whether headers of one's own can go with the calls: over stdio there are none. */
  takesHeaders: z.boolean(),
})
export type AvailableServer = z.infer<typeof AvailableServer>

export const AgentList = z.object({ cursor: Cursor, items: z.array(Agent) })
export const AgentGet = Agent.extend({
  cursor: Cursor,
  /** What it may use at a glance, and what ends with it; oldest first. */
  connections: z.array(
    z.object({
      id: Id,
      slug: z.string(),
      server: z.object({ id: Id, name: z.string(), state: ServerState }),
      state: ConnectionState,
      /** Tools that it can call, and those that wait for approval. */
      tools: z.int(),
      held: z.int(),
    }),
  ),
  /** Of the last 24 hours. */
  calls: z.int(),
})
export const ConnectionList = z.object({ cursor: Cursor, items: z.array(Connection) })
export const AvailableList = z.object({ cursor: Cursor, items: z.array(AvailableServer) })

export const ForAgent = z.strictObject({ agentId: Id })
export const TestConnection = z.strictObject({
  agentId: Id,
  serverId: Id,
  /** false: answer at once with a test that is going on; follow it by events or `connections.testResult`. */
  wait: z.boolean().default(true),
  /** Kept encrypted until the connection is made of this test, for 10 minutes at most. */
  credentials: SecretValues.optional(),
  headers: HeaderValues.optional(),
})
export type TestConnection = z.infer<typeof TestConnection>
export const CreateConnection = z.strictObject({
  agentId: Id,
  serverId: Id,
  /** A test that passed within the last 5 minutes; left out: a new one is made first. */
  testId: Id.optional(),
  slug: Slug.optional(),
  /** Credentials and headers are taken from the test, where they were given to it. */
  ...ConnectionInput.shape,
})
export type CreateConnection = z.infer<typeof CreateConnection>

export const UpdateConnection = z.strictObject({ id: Id, slug: Slug.optional(), ...ConnectionInput.shape })
export type UpdateConnection = z.infer<typeof UpdateConnection>
