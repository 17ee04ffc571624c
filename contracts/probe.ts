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

/**
 * Parts of a probe, in order. `tls` is left out over plain http, `resolve` for an address, and a list that the server does not
 * declare is not asked for.
 */
export const ProbeStage = z.enum([
  'resolve',
  'connect',
  'tls',
  'protocol',
  'capabilities',
  'tools',
  'resources',
  'prompts',
])
export type ProbeStage = z.infer<typeof ProbeStage>

/** What a person reads of a stage. */
export const PROBE_STAGE_LABELS: Readonly<Record<ProbeStage, string>> = {
  resolve: 'Find its address',
  connect: 'Connect to it',
  tls: 'Secure the connection',
  protocol: 'Agree on a version of MCP',
  capabilities: 'Read what it offers',
  tools: 'Read its tools',
  resources: 'Read its resources',
  prompts: 'Read its prompts',
}

/** `warned`: something is wrong with it, and agents can use the server all the same. */
export const ProbeStageState = z.enum(['running', 'passed', 'warned', 'failed'])
export type ProbeStageState = z.infer<typeof ProbeStageState>

export const ProbeFailureCode = z.enum([
  'CONNECTION_REFUSED',
  'DNS_FAILED',
  'REMOTE_ADDRESS_REFUSED',
  'TLS_FAILED',
  'PROBE_TIMEOUT',
  'AUTH_REQUIRED',
  'SERVER_FORBIDS',
  'ENDPOINT_NOT_FOUND',
  'NOT_AN_MCP_SERVER',
  'WRONG_CONTENT_TYPE',
  'PROTOCOL_VERSION_UNSUPPORTED',
  'SERVER_EXITED',
  'UPSTREAM_UNAVAILABLE',
  'PROTOCOL_ERROR',
])
export type ProbeFailureCode = z.infer<typeof ProbeFailureCode>

/** Transports over which a server is reached by URL. */
export const ProbeTransport = z.enum(['streamable-http', 'sse'])
export type ProbeTransport = z.infer<typeof ProbeTransport>

/** What a server that answers 401 or 403 asks for: `WWW-Authenticate`, and the OAuth metadata of the resource where it names some. */
export const AuthDemand = z.object({
  scheme: z.string(),
  realm: z.string().optional(),
  scope: z.string().optional(),
  error: z.string().optional(),
  resourceMetadata: z.string().optional(),
  authorizationServers: z.array(z.string()).optional(),
  scopesSupported: z.array(z.string()).optional(),
})
export type AuthDemand = z.infer<typeof AuthDemand>

export const ProbeFailure = z.object({
  code: ProbeFailureCode,
  stage: ProbeStage,
  /** One sentence in words; the next action comes from the catalogue of errors by `code`. */
  message: z.string(),
  httpStatus: z.int().optional(),
  /** Technical detail, such as the system's error code, `WWW-Authenticate` or the server's own error text; at most 1000 characters. */
  detail: z.string().optional(),
  /** Of a process that ended, where its toolbox knows it. */
  exitCode: z.int().optional(),
  auth: AuthDemand.optional(),
  /** Where the same host does speak MCP, when a usual path or transport was tried and answered. */
  works: z.object({ url: z.string(), transport: ProbeTransport }).optional(),
  /** True when asking again would give the same answer: not to be retried. */
  definitive: z.boolean(),
})
export type ProbeFailure = z.infer<typeof ProbeFailure>

/** A stage that has ended, with its time in milliseconds. */
export const ProbeStageTime = z.object({
  name: ProbeStage,
  state: ProbeStageState.exclude(['running']),
  ms: z.number(),
})
export type ProbeStageTime = z.infer<typeof ProbeStageTime>

export const ProbeResult = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    transport: ProbeTransport,
    /** `modern`: without sessions (2026-07-28); `legacy`: with `initialize`. */
    era: z.enum(['legacy', 'modern']),
    protocolVersion: z.string(),
    /** All that the server says it speaks; the one that was agreed on where it does not say. */
    supportedVersions: z.array(z.string()),
    serverInfo: z.looseObject({ name: z.string(), version: z.string() }),
    capabilities: z.looseObject({}),
    instructions: z.string().optional(),
    /** In the server's order; empty when it does not declare the tools capability. */
    tools: z.array(ToolDefinition),
    /** Tools that no client could be shown: a malformed definition, or a name that was there before. */
    skippedTools: z.array(z.object({ name: z.string(), reason: z.string() })),
    /** How many there are; null where the server does not declare them, or could not list them. */
    resources: z.int().nullable(),
    prompts: z.int().nullable(),
    /** What is wrong with a server that can be used all the same, a sentence each. */
    warnings: z.array(z.string()),
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
