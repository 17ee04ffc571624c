import { z } from 'zod'

/** MCP's own rule for tool names (2025-11-25, "Tool Names"): 1-128 of letters, digits, "_", "." and "-". */
export const TOOL_NAME_PATTERN = /^[A-Za-z0-9_.-]{1,128}$/

/** One tool as its server describes it. Unknown fields are kept: they are the server's word to its clients. */
export const ToolDefinition = z.looseObject({
  name: z.string().regex(TOOL_NAME_PATTERN),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: z.looseObject({ type: z.literal('object') }),
  outputSchema: z.looseObject({ type: z.literal('object') }).optional(),
  annotations: z.looseObject({}).optional(),
})
export type ToolDefinition = z.infer<typeof ToolDefinition>

/** Parts of a probe, in order: a connection is there, `initialize` is answered, every page of `tools/list` is read. */
export const ProbeStage = z.enum(['connect', 'initialize', 'tools'])
export type ProbeStage = z.infer<typeof ProbeStage>

export const ProbeFailureCode = z.enum([
  'CONNECTION_REFUSED',
  'DNS_FAILED',
  'TLS_FAILED',
  'PROBE_TIMEOUT',
  'AUTH_REQUIRED',
  'SERVER_FORBIDS',
  'ENDPOINT_NOT_FOUND',
  'NOT_AN_MCP_SERVER',
  'PROTOCOL_VERSION_UNSUPPORTED',
  'SERVER_EXITED',
  'UPSTREAM_UNAVAILABLE',
  'PROTOCOL_ERROR',
])
export type ProbeFailureCode = z.infer<typeof ProbeFailureCode>

export const ProbeFailure = z.object({
  code: ProbeFailureCode,
  stage: ProbeStage,
  /** One sentence in words; the next action comes from the catalogue of errors by `code`. */
  message: z.string(),
  httpStatus: z.int().optional(),
  /** Technical detail, such as the system's error code, `WWW-Authenticate` or the server's own error text; at most 1000 characters. */
  detail: z.string().optional(),
  /** True when asking again would give the same answer: not to be retried. */
  definitive: z.boolean(),
})
export type ProbeFailure = z.infer<typeof ProbeFailure>

/** A stage that was passed, or the one that failed, with its time in milliseconds. */
export const ProbeStageTime = z.object({ name: ProbeStage, ms: z.number() })
export type ProbeStageTime = z.infer<typeof ProbeStageTime>

export const ProbeResult = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    protocolVersion: z.string(),
    serverInfo: z.looseObject({ name: z.string(), version: z.string() }),
    capabilities: z.looseObject({}),
    instructions: z.string().optional(),
    /** In the server's order; empty when it does not declare the tools capability. */
    tools: z.array(ToolDefinition),
    /** Tools that no client could be shown: a malformed definition, or a name that was there before. */
    skippedTools: z.array(z.object({ name: z.string(), reason: z.string() })),
    stages: z.array(ProbeStageTime),
    /** The whole probe, milliseconds. */
    ms: z.number(),
  }),
  z.object({
    ok: z.literal(false),
    failure: ProbeFailure,
    stages: z.array(ProbeStageTime),
    ms: z.number(),
  }),
])
export type ProbeResult = z.infer<typeof ProbeResult>
