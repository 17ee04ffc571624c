import { z } from 'zod'
import { HeaderName, Id, Timestamp } from './names.ts'
import { TOOL_NAME_PATTERN, ToolDefinition } from './probe.ts'

/** One of them at a connection: whether it has a value, and never which. */
export const CredentialState = z.object({
  kind: z.enum(['env', 'header']),
  name: z.string(),
  description: z.string().nullable(),
  required: z.boolean(),
  /** false: a header that the user added, which the server did not ask for. */
  declared: z.boolean(),
  set: z.boolean(),
})
export type CredentialState = z.infer<typeof CredentialState>

/** `hold`: a tool that is new or changed can neither be seen nor called until it is approved; `warn`: it can, and is shown. */
export const PinPolicy = z.enum(['hold', 'warn'])
export type PinPolicy = z.infer<typeof PinPolicy>

export const ConnectionSettings = z.object({
  /** Milliseconds of silence after which a call is given up. */
  timeoutMs: z.int().min(1000, 'At least 1 s.').max(600_000, 'At most 10 min.'),
  /** How often a call is made again where that cannot run it twice. */
  retries: z.int().min(0).max(3, 'At most 3.'),
  /** Whether arguments stand in the log of calls, redacted. */
  logArguments: z.boolean(),
  /** Null: no limit of its own. */
  callsPerMinute: z.int().min(1).max(1_000_000).nullable(),
  maxConcurrent: z.int().min(1).max(1000).nullable(),
  pinPolicy: PinPolicy,
})
export type ConnectionSettings = z.infer<typeof ConnectionSettings>
export const DEFAULT_SETTINGS: ConnectionSettings = {
  timeoutMs: 60_000,
  retries: 1,
  logArguments: false,
  callsPerMinute: null,
  maxConcurrent: null,
  pinPolicy: 'hold',
}

export const ToolAlias = z
  .string()
  .regex(TOOL_NAME_PATTERN, 'Use 1 to 128 letters, digits, "_", "-" and ".".')

/** How one tool shall be at a connection; what is left out stays. */
export const ToolOverride = z.strictObject({
  name: z.string().regex(TOOL_NAME_PATTERN),
  enabled: z.boolean().optional(),
  /** The name that the agent sees in place of the tool's own, before the prefix; null: its own. */
  alias: ToolAlias.nullable().optional(),
})
export type ToolOverride = z.infer<typeof ToolOverride>

/** Values by name; write-only. Null removes one. At most 8 KiB each. */
export const SecretValues = z.record(z.string().min(1).max(128), z.string().min(1).max(8192).nullable())
export const HeaderValues = z.record(
  HeaderName,
  z
    .string()
    .min(1)
    .max(8192)
    .regex(/^[\t\x20-\x7e]*$/, 'A header has printable ASCII only.')
    .nullable(),
)

/** What may be said of a connection when it is made and later. */
export const ConnectionInput = z.strictObject({
  ...ConnectionSettings.partial().shape,
  prefixTools: z.boolean().optional(),
  tools: z.array(ToolOverride).max(5000).optional(),
  credentials: SecretValues.optional(),
  /** Headers besides those that the server asks for; for HTTP and remote servers. */
  headers: HeaderValues.optional(),
})
export type ConnectionInput = z.infer<typeof ConnectionInput>

/** `new`: the server offers it and it was never approved; `removed`: it was approved and the server offers it no longer. */
export const PinState = z.enum(['approved', 'changed', 'new', 'removed'])
export type PinState = z.infer<typeof PinState>

export const ConnectionTool = z.object({
  /** At its server. */
  name: z.string(),
  /** At the gateway; null while it cannot be called there. */
  exposedName: z.string().nullable(),
  alias: z.string().nullable(),
  enabled: z.boolean(),
  pin: PinState,
  /** Changed or new, and the policy is to hold it back. */
  held: z.boolean(),
  approved: ToolDefinition.nullable(),
  current: ToolDefinition.nullable(),
  approvedAt: Timestamp.nullable(),
})
export type ConnectionTool = z.infer<typeof ConnectionTool>

/** Tools of a connection that are not as they were approved. */
export const ToolChanges = z.object({ changed: z.int(), new: z.int(), removed: z.int(), held: z.int() })
export type ToolChanges = z.infer<typeof ToolChanges>

export const ApproveTools = z.strictObject({
  id: Id,
  /** Names at the server; left out: all that are not as approved. */
  tools: z.array(z.string().regex(TOOL_NAME_PATTERN)).max(5000).optional(),
})
