import { z } from 'zod'
import { HostMetrics } from './dtma.ts'
import { Failure } from './errors.ts'
import { Id } from './names.ts'
import { Cursor, Timestamp } from './servers.ts'

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
  createdAt: Timestamp,
})
export type Toolbox = z.infer<typeof Toolbox>

export const ToolboxList = z.object({ cursor: Cursor, items: z.array(Toolbox) })
export const ToolboxGet = Toolbox.extend({
  cursor: Cursor,
  servers: z.array(z.object({ id: Id, name: z.string(), state: z.string(), memoryMb: z.int() })),
})
