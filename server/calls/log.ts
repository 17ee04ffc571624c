import { prisma } from '#server/db/client.ts'

/** One call of a tool by an agent, as a gateway saw it. */
export interface CallRow {
  /** Made by the gateway, so that a batch that is written twice stands there once. */
  id: string
  /** When it came, ISO 8601. */
  at: string
  agentId: string
  connectionId: string
  serverId: string
  userId: string
  /** The tool's name at its server. */
  tool: string
  outcome: 'ok' | 'tool_error' | 'failed' | 'refused' | 'cancelled'
  /** Of the catalogue, why it was stopped, or the JSON-RPC code of the server's own error. */
  code: string | null
  ms: number
  requestBytes: number
  responseBytes: number
  /** Redacted and bounded; null where the connection does not ask for them. */
  arguments: unknown
  /** What called for the agent; null: the agent itself. */
  via: string | null
}

/** Writes calls down in one statement; those of agents that are gone are left out. */
export async function logCalls(calls: readonly CallRow[]): Promise<void> {
  // JSON allows a NUL in a string, and Postgres does not.
  const batch = JSON.stringify(calls).replaceAll('\\u0000', '\\ufffd')
  await prisma().$executeRaw`SELECT app.log_calls(${batch}::jsonb)`
}
