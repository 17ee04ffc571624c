import { z } from 'zod'
import { DesiredState, InstanceSpec, InstanceStatus } from './instances.ts'
import { ForeignText, Id } from './names.ts'

/** Versions of the agent protocol this build speaks: N and N-1 once there are two. */
export const PROTOCOL_VERSIONS = [1] as const
/** Seconds between heartbeats (design: every 15 s, and at once on a change). */
export const HEARTBEAT_SECONDS = 15
/** Signed requests whose time is further off than this are refused with the server's time. */
export const CLOCK_TOLERANCE_SECONDS = 60

export const Driver = z.enum(['docker', 'process'])
export type Driver = z.infer<typeof Driver>

export const HostMetrics = z.object({
  cpus: z.number(),
  /** 1-minute load average. */
  load: z.number(),
  memoryTotalBytes: z.number(),
  memoryFreeBytes: z.number(),
  diskTotalBytes: z.number(),
  diskFreeBytes: z.number(),
})
export type HostMetrics = z.infer<typeof HostMetrics>

/** Body of `PUT /v1/instances/{id}`. `spec` may be left out when the agent already knows the instance, or when it shall be absent. */
export const PutInstance = z.object({
  desired: DesiredState,
  fence: z.int().nonnegative(),
  /** A new value restarts a running instance once. */
  restartNonce: z.string().max(64).optional(),
  /** With `absent`: the server was deleted, so its declared data goes with the last of its instances here. */
  deleteDataOf: Id.optional(),
  spec: InstanceSpec.optional(),
})
export type PutInstance = z.infer<typeof PutInstance>

/** SHA-256 (hex) of the archive that an agent runs from. */
export const AgentBuild = z.string().regex(/^[0-9a-f]{64}$/, 'A SHA-256 in lower-case hex.')

/** How far an agent is with the build it was told to run; `failed` when it went back to the one before. */
export const AgentUpgrade = z.object({
  build: AgentBuild,
  state: z.enum(['fetching', 'restarting', 'failed']),
  detail: ForeignText.max(2000).nullable(),
})
export type AgentUpgrade = z.infer<typeof AgentUpgrade>

/** Body of `PUT /v1/agent`: which build the agent shall run. It fetches it from the control plane that it is enrolled at. */
export const PutAgent = z.object({ version: z.string().max(64), build: AgentBuild })
export type PutAgent = z.infer<typeof PutAgent>
export const PutAgentAnswer = z.object({ build: AgentBuild.nullable(), upgrade: AgentUpgrade.nullable() })

/** Answer to `GET /v1/status`. */
export const AgentStatus = z.object({
  toolboxId: Id,
  agentVersion: z.string(),
  protocolVersion: z.int(),
  driver: Driver,
  isolation: z.enum(['uid', 'bwrap', 'container', 'none']),
  bootId: z.string(),
  host: HostMetrics,
  instances: z.array(InstanceStatus),
})
export type AgentStatus = z.infer<typeof AgentStatus>

/** In order of weight. */
export const LogLevel = z.enum(['debug', 'info', 'warn', 'error'])
export type LogLevel = z.infer<typeof LogLevel>

/** One line of `GET /v1/instances/{id}/logs`, which answers `{ lines }`, or one JSON document a line with `follow=1` (NDJSON). */
export const LogLine = z.object({
  at: z.iso.datetime(),
  stream: z.enum(['stdout', 'stderr', 'agent']),
  text: ForeignText,
  /** Position: larger with each line of the instance, also over restarts of the agent. Agents of before send none. */
  seq: z.int().nonnegative().optional(),
  /** What the line says of itself; null: nothing. Agents of before send none. */
  level: LogLevel.nullable().optional(),
})
export type LogLine = z.infer<typeof LogLine>
export const LogLines = z.object({ lines: z.array(LogLine) })
/** May come before the lines with `follow=1`: so many after the position asked for are left out; null: nobody knows how many. */
export const LogMissed = z.object({ missed: z.int().positive().nullable() })

/** Answer to `GET /v1/instances/{id}/stats`; null is what cannot be told now. `tasks` are processes and threads. */
export const InstanceStats = z.object({
  memoryBytes: z.number().nullable(),
  cpuSeconds: z.number().nullable(),
  tasks: z.int().nullable(),
  /** Open sessions of a bridged stdio server. */
  sessions: z.int().nullable(),
})
export type InstanceStats = z.infer<typeof InstanceStats>

/** Every error answer of the agent and of the agents' ingress. */
export const AgentError = z.object({
  error: z.object({
    code: z.enum([
      'BAD_REQUEST',
      'UNAUTHORIZED',
      'FORBIDDEN',
      'NOT_FOUND',
      'STALE_FENCE',
      'SPEC_NEEDED',
      'NOT_RUNNING',
      'TOO_LARGE',
      'CLOCK_SKEW',
      'PROTOCOL_UNSUPPORTED',
      'ENROLLMENT_INVALID',
      'TOOLBOX_GONE',
      'BUSY',
      'UPSTREAM_FAILED',
      'INTERNAL',
    ]),
    message: ForeignText,
    /** Highest fence known, with STALE_FENCE. */
    fence: z.int().optional(),
    /** ISO time of the server, with CLOCK_SKEW. */
    serverTime: z.iso.datetime().optional(),
    /** What the refusing side speaks, with PROTOCOL_UNSUPPORTED. */
    protocolVersions: z.array(z.int()).optional(),
  }),
})
export type AgentError = z.infer<typeof AgentError>

/** Body of `POST /api/dtma/enroll`. */
export const EnrollRequest = z.object({
  token: z.string().min(20).max(200),
  /** Self-signed certificate of the key that the agent made: TLS server identity and signing key in one (Ed25519, PEM). */
  certificate: z.string().max(8192),
  /** `https://host:port` under which worker and gateway reach the agent. */
  advertisedUrl: z.url({ protocol: /^https$/ }).max(512),
  agentVersion: ForeignText.max(64),
  protocolVersions: z.array(z.int()).min(1).max(16),
  driver: Driver,
  isolation: z.enum(['uid', 'bwrap', 'container', 'none']),
  host: HostMetrics,
})
export type EnrollRequest = z.infer<typeof EnrollRequest>

export const EnrollResponse = z.object({
  toolboxId: Id,
  installationId: Id,
  protocolVersion: z.int(),
  heartbeatSeconds: z.int(),
  /** PEM certificates of the two client identities that may call the agent. */
  clients: z.object({ worker: z.string(), gateway: z.string() }),
})
export type EnrollResponse = z.infer<typeof EnrollResponse>

/** Body of `POST /api/dtma/heartbeat`. */
export const Heartbeat = z.object({
  toolboxId: Id,
  /** New at every start of the agent. */
  bootId: ForeignText.max(64),
  /** Counts up within a boot; an older one than the newest seen is ignored. */
  sequence: z.int32().nonnegative(),
  agentVersion: ForeignText.max(64),
  /** Null when it runs from sources or an image, where it cannot replace itself. */
  agentBuild: AgentBuild.nullable().default(null),
  upgrade: AgentUpgrade.nullable().default(null),
  protocolVersion: z.int(),
  /** An agent may come back with another one than it enrolled with; an older agent does not say. */
  driver: Driver.optional(),
  isolation: z.enum(['uid', 'bwrap', 'container', 'none']).optional(),
  host: HostMetrics,
  instances: z.array(InstanceStatus).max(2000),
})
export type Heartbeat = z.infer<typeof Heartbeat>

/** Answer to a heartbeat: the instances of this toolbox as they are wanted. The agent converges, and fetches specs it does not have. */
export const HeartbeatResponse = z.object({
  instances: z.array(
    z.object({
      id: Id,
      desired: DesiredState,
      fence: z.int().nonnegative(),
      restartNonce: z.string().optional(),
      deleteDataOf: Id.optional(),
    }),
  ),
})
export type HeartbeatResponse = z.infer<typeof HeartbeatResponse>

/**
 * Body of `POST /api/dtma/bootstrap`: what the installation of an agent is at, or where it failed, for the toolbox that the token
 * was made for. The token is not used up.
 */
export const BootstrapReport = z.object({
  token: z.string().min(20).max(200),
  step: ForeignText.min(1).max(64),
  state: z.enum(['running', 'failed']),
  message: ForeignText.max(2000),
})
export type BootstrapReport = z.infer<typeof BootstrapReport>

/** Answer to `GET /api/dtma/instances/{id}`. */
export const InstanceAssignment = PutInstance.required({ spec: true }).extend({ id: Id })
export type InstanceAssignment = z.infer<typeof InstanceAssignment>
