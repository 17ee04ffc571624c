import { z } from 'zod'
import { CreateDropletToolbox, Droplet } from './droplets.ts'
import { AgentUpgrade, HostMetrics } from './dtma.ts'
import { Failure } from './errors.ts'
import { Id, Name, Timestamp } from './names.ts'
import { Cursor } from './servers.ts'

export const ToolboxState = z.enum([
  'provisioning',
  'enrolling',
  'active',
  'unreachable',
  'draining',
  'failed',
  'deleting',
])
export type ToolboxState = z.infer<typeof ToolboxState>
export const ToolboxKind = z.enum(['local', 'host', 'droplet'])
export type ToolboxKind = z.infer<typeof ToolboxKind>

/** What the installation of an agent said last. */
export const Bootstrap = z.object({ step: z.string(), message: z.string(), at: Timestamp })
export type Bootstrap = z.infer<typeof Bootstrap>

/** `requested`: the agent has not been told yet. */
export const Upgrade = AgentUpgrade.extend({
  version: z.string(),
  state: z.enum(['requested', ...AgentUpgrade.shape.state.options]),
  requestedAt: Timestamp,
})
export type Upgrade = z.infer<typeof Upgrade>

/** The agent beside this installation: older, newer, or the same version made of other sources; null while it is unknown. */
export const Skew = z.enum(['same', 'older', 'newer', 'other-build'])
export type Skew = z.infer<typeof Skew>

export const Toolbox = z.object({
  id: Id,
  name: z.string(),
  kind: ToolboxKind,
  state: ToolboxState,
  url: z.string().nullable(),
  driver: z.string().nullable(),
  /** How servers are kept apart; `none` is shown in red. */
  isolation: z.string().nullable(),
  agentVersion: z.string().nullable(),
  protocolVersion: z.int().nullable(),
  lastHeartbeatAt: Timestamp.nullable(),
  host: HostMetrics.nullable(),
  serverCount: z.int(),
  /** MiB promised to servers by their limits. */
  memoryCommittedMb: z.int(),
  /** CPUs promised likewise; limits are ceilings, so the sum may exceed the cores. */
  cpusCommitted: z.number(),
  /** What further servers may be promised; null before its first heartbeat. */
  room: z.object({ memoryMb: z.int(), cpus: z.number() }).nullable(),
  /** Set while calls to it are held back because the last ones got no answer. */
  breaker: z.object({ openUntil: Timestamp, cause: z.string() }).nullable(),
  failure: Failure.nullable(),
  /** Wanted to take no new servers, also while it is unreachable or enrolling anew. */
  draining: z.boolean(),
  skew: Skew.nullable(),
  /** Version of this installation, which an upgrade brings. */
  newestAgentVersion: z.string(),
  /** Whether its agent can replace itself. */
  upgradable: z.boolean(),
  upgrade: Upgrade.nullable(),
  bootstrap: Bootstrap.nullable(),
  /** Its machine, when Toolberth made it. */
  droplet: Droplet.nullable(),
  createdAt: Timestamp,
})
export type Toolbox = z.infer<typeof Toolbox>

export const ToolboxList = z.object({ cursor: Cursor, items: z.array(Toolbox) })
export const ToolboxGet = Toolbox.extend({
  cursor: Cursor,
  servers: z.array(
    z.object({
      id: Id,
      name: z.string(),
      state: z.string(),
      memoryMb: z.int(),
      /** Toolbox that it is moving to. */
      movingTo: z.object({ id: Id, name: z.string() }).nullable(),
    }),
  ),
})

/** Kinds that can be asked for; the local one is there already. */
export const CreateToolbox = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('host'), name: Name }),
  CreateDropletToolbox,
])
export type CreateToolbox = z.infer<typeof CreateToolbox>

/** A one-time token and the ways to use it. The token is shown this once. */
export const Enrollment = z.object({
  toolboxId: Id,
  token: z.string(),
  expiresAt: Timestamp,
  script: z.object({ url: z.string(), sha256: z.string() }),
  /** Shell commands, to be run as root on the new machine. */
  commands: z.object({
    /** One line. */
    piped: z.string(),
    /** Downloads the script, checks it, and leaves it to be read before it is run. */
    checked: z.string(),
    /** For machines with Docker, in a container of its own. */
    docker: z.string(),
  }),
})
export type Enrollment = z.infer<typeof Enrollment>

/** `enrollment` is null for kinds whose machine Toolberth sets up itself. */
export const CreateToolboxAnswer = z.object({ toolbox: Toolbox, enrollment: Enrollment.nullable() })
export type CreateToolboxAnswer = z.infer<typeof CreateToolboxAnswer>

export const DeleteToolbox = z.strictObject({
  id: Id,
  confirmName: z.string().max(40),
  /** Deletes the servers on it as well. */
  force: z.boolean().default(false),
})
export type DeleteToolbox = z.infer<typeof DeleteToolbox>

export const MetricsRange = z.enum(['1h', '6h', '24h', '7d'])
export type MetricsRange = z.infer<typeof MetricsRange>
export const MetricsInput = z.strictObject({ id: Id, range: MetricsRange.default('1h') })

/** Mean and highest of a stretch of time; null where the toolbox told nothing. */
export const MetricsPoint = z.object({
  at: Timestamp,
  /** 1-minute load average divided by the cores: 1 is every core busy. */
  load: z.number().nullable(),
  loadMax: z.number().nullable(),
  memoryUsedBytes: z.number().nullable(),
  memoryUsedMaxBytes: z.number().nullable(),
  diskUsedBytes: z.number().nullable(),
})
export type MetricsPoint = z.infer<typeof MetricsPoint>
export const Metrics = z.object({
  range: MetricsRange,
  /** Length of each stretch. */
  stepSeconds: z.int(),
  memoryTotalBytes: z.number().nullable(),
  diskTotalBytes: z.number().nullable(),
  points: z.array(MetricsPoint),
})
export type Metrics = z.infer<typeof Metrics>
