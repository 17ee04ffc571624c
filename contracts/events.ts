import { z } from 'zod'
import { Id } from './names.ts'

export const EventType = z.enum([
  'server.created',
  'server.updated',
  'server.deleted',
  'deployment.updated',
  'toolbox.created',
  'toolbox.updated',
  'agent.created',
  'agent.updated',
  'agent.deleted',
  'connection.created',
  'connection.updated',
  /** Its test of now and then failed, with `failure`; `connection.recovered`: one passed again. */
  'connection.failing',
  'connection.recovered',
  /** Its server offers other tools than before: `added`, `changed` and `removed` name them. */
  'connection.tools',
  'connection.test',
  'user.updated',
  'apiKey.updated',
  'registry.updated',
  'catalog.updated',
  'cloud.updated',
])
export type EventType = z.infer<typeof EventType>

/** What a subscriber gets: which thing changed, and a few fields that a page can show before it has fetched anew. */
export const StatusEvent = z.object({
  id: z.string(),
  type: EventType,
  subjectId: Id,
  serverId: Id.nullable(),
  agentId: Id.nullable(),
  toolboxId: Id.nullable(),
  /** `serverName`, `agentName`, `toolboxName` where the event has one, and what its type says besides (`state`, `phase`, …). */
  data: z.record(z.string(), z.unknown()),
  at: z.iso.datetime(),
})
export type StatusEvent = z.infer<typeof StatusEvent>

export const ListConnectionEvents = z.strictObject({
  /** Left out: failing and recovered of all one's connections. */
  id: Id.optional(),
  limit: z.int().min(1).max(200).default(50),
  /** `next` of the page before. */
  cursor: z
    .string()
    .regex(
      /^\d{1,18}$/,
      'This is no place in the list. Leave it out to begin at the newest, or pass on `next` of the page before.',
    )
    .optional(),
  /** Sent along by the client library where pages are added to a list; there is one direction only. */
  direction: z.literal('forward').optional(),
})

/**
 * `hello` is sent first and carries the cursor that the stream starts from; `reset` says that the given cursor is unknown or pruned,
 * so everything has to be fetched anew; `event` is one change.
 */
export const StreamMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hello') }),
  z.object({ kind: z.literal('reset'), reason: z.enum(['epoch', 'pruned']) }),
  z.object({ kind: z.literal('event'), event: StatusEvent }),
])
export type StreamMessage = z.infer<typeof StreamMessage>

export const StreamInput = z
  .object({
    /** A cursor from a list query; left out: from now. */
    cursor: z.string().max(200).nullish(),
    /** Set by the client library at a reconnect. */
    lastEventId: z.string().max(200).nullish(),
    /** Only events about these; left out: everything one may see. */
    serverId: Id.optional(),
    agentId: Id.optional(),
  })
  .default({})

export const Overview = z.object({
  cursor: z.string(),
  servers: z.object({ total: z.int(), byState: z.record(z.string(), z.int()) }),
  toolboxes: z.object({ total: z.int(), byState: z.record(z.string(), z.int()) }),
  agents: z.int(),
  connections: z.object({ total: z.int(), byState: z.record(z.string(), z.int()) }),
  deploymentsInProgress: z.int(),
  /** Newest first. */
  recent: z.array(StatusEvent),
})
export type Overview = z.infer<typeof Overview>
