import { z } from 'zod'
import { Id } from './names.ts'
import { TOOL_NAME_PATTERN, ToolDefinition } from './probe.ts'

/** Arguments of one call, as JSON; the gateway takes four times as much. */
export const MAX_ARGUMENT_BYTES = 1024 * 1024

const TOO_LARGE = 'The arguments are larger than 1 MiB, or cannot be written as JSON.'

/** Any JSON object within the limit; what JSON does not know is refused, or left out as JSON does. */
const Arguments = z.record(z.string(), z.unknown()).transform((value, context): Record<string, unknown> => {
  try {
    const text = JSON.stringify(value)
    if (new TextEncoder().encode(text).length <= MAX_ARGUMENT_BYTES) return JSON.parse(text)
  } catch {
    // A cycle, a big integer or a depth beyond the stack.
  }
  context.addIssue({ code: 'custom', message: TOO_LARGE })
  return z.NEVER
})

export const ListTools = z.strictObject({ agentId: Id })
/** `name` as the agent sees it at the gateway, prefix included. */
export const CallTool = z.strictObject({
  agentId: Id,
  name: z.string().regex(TOOL_NAME_PATTERN, 'Use 1-128 letters, digits, "_", "." and "-".'),
  arguments: Arguments.default({}),
})

/** One JSON-RPC message as it went over the wire. */
export const RawMessage = z.object({
  direction: z.enum(['sent', 'received']),
  /** Milliseconds since the exchange began. */
  atMs: z.number(),
  /** HTTP status that it came with; null for what was sent. */
  status: z.int().nullable(),
  message: z.unknown(),
})
export type RawMessage = z.infer<typeof RawMessage>

export const ToolList = z.object({
  tools: z.array(ToolDefinition),
  /** Servers whose part is not fresh: prefix to state and reason, as the gateway says it. */
  backends: z.record(z.string(), z.object({ state: z.string(), reason: z.string().optional() })),
  latencyMs: z.number(),
  messages: z.array(RawMessage),
})
export type ToolList = z.infer<typeof ToolList>

export const ToolCall = z.object({
  /** `tool_error`: the tool answered that it failed; `failed`: there is no result. */
  outcome: z.enum(['ok', 'tool_error', 'failed']),
  /** `CallToolResult` of MCP, unchanged; null when it failed. */
  result: z.record(z.string(), z.unknown()).nullable(),
  /** The JSON-RPC error; null when there is a result. */
  error: z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() }).nullable(),
  /** Of `tools/call` alone. */
  latencyMs: z.number(),
  messages: z.array(RawMessage),
})
export type ToolCall = z.infer<typeof ToolCall>
