import { z } from 'zod'
import { Id, Text, Timestamp } from './names.ts'

/** `tool_error`: its server answered with an error; `failed`: no answer of the server; `refused`: a limit; `cancelled`: ended early. */
export const CallOutcome = z.enum(['ok', 'tool_error', 'failed', 'refused', 'cancelled'])
export type CallOutcome = z.infer<typeof CallOutcome>

export const Call = z.object({
  id: Id,
  at: Timestamp,
  agentId: Id,
  connectionId: Id,
  serverId: Id,
  /** The tool's name at its server. */
  tool: z.string(),
  outcome: CallOutcome,
  /** Of the catalogue of errors, or the server's own JSON-RPC code. */
  code: z.string().nullable(),
  ms: z.int(),
  requestBytes: z.int(),
  responseBytes: z.int(),
  /** Redacted; null unless the connection logs them. */
  arguments: z.unknown().nullable(),
  via: z.enum(['inspector']).nullable(),
})
export type Call = z.infer<typeof Call>

export const ListCalls = z.strictObject({
  id: Id,
  tool: Text.max(128).optional(),
  outcome: CallOutcome.optional(),
  /** `next` of the page before. */
  cursor: z.string().max(200).optional(),
  limit: z.int().min(1).max(200).default(50),
  /** What tRPC's infinite queries say of themselves; pages go one way here. */
  direction: z.literal('forward').optional(),
})
/** Newest first; `next` is null at the end. */
export const CallList = z.object({ items: z.array(Call), next: z.string().nullable() })

export const UsageRange = z.enum(['24h', '7d', '30d'])
const Figures = z.object({
  calls: z.int(),
  errors: z.int(),
  /** Milliseconds; null without calls. */
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  bytes: z.number(),
})
export const GetUsage = z.strictObject({ id: Id, range: UsageRange.default('24h') })
export const Usage = z.object({
  range: UsageRange,
  total: Figures,
  /** Oldest first; an hour each for 24h, a day each otherwise. Those without calls are there. */
  series: z.array(Figures.extend({ from: Timestamp })),
  /** Most calls first, at most 50. */
  tools: z.array(
    Figures.extend({ connectionId: Id, serverId: Id, serverName: z.string().nullable(), tool: z.string() }),
  ),
})
export type Usage = z.infer<typeof Usage>
