import { z } from 'zod'
import { LogLevel, LogLine } from './dtma.ts'
import { Failure } from './errors.ts'
import { Id, Text } from './names.ts'

const Timestamp = z.iso.datetime()

/** What of a log is asked for. A level lets the weightier ones through too; a line without a level passes no filter by level. */
export const LogFilter = z.object({
  /** Part of the text, in upper or lower case. */
  search: Text.min(1, 'Give some text to search for.').max(200, 'Use at most 200 characters.').optional(),
  level: LogLevel.optional(),
  since: Timestamp.optional(),
  until: Timestamp.optional(),
})
export type LogFilter = z.infer<typeof LogFilter>

/** One line as it is shown. `seq` grows within an instance; `level` is null where the line does not say it. */
export const LogEntry = LogLine.extend({
  seq: z.int(),
  level: LogLevel.nullable(),
  /** Null for lines that were kept of an instance that is gone. */
  instanceId: Id.nullable(),
})
export type LogEntry = z.infer<typeof LogEntry>

/** An instance that has a log, and what it is to its server: during a rollout there are two. */
export const LogInstance = z.object({
  id: Id,
  revisionNumber: z.int(),
  attempt: z.int(),
  role: z.enum(['serving', 'starting', 'draining', 'stopped', 'removing']),
  createdAt: Timestamp,
})
export type LogInstance = z.infer<typeof LogInstance>

/** How far the log of each instance was read: `instance:seq`, joined by dots; `0` is no log at all. */
export const LogCursor = z
  .string()
  .max(1_000)
  .regex(
    /^(?:0|[0-9a-f-]{36}:\d{1,16}(?:\.[0-9a-f-]{36}:\d{1,16})*)$/,
    'This is not a position in a log; leave it out to begin with the newest lines.',
  )

export const LogsInput = z.strictObject({
  id: Id,
  /** Left out: all that run or are about to. */
  instanceId: Id.optional(),
  /** Lines from the end, of those that pass the filter. */
  tail: z.int().min(1).max(2000).default(200),
  ...LogFilter.shape,
})
export const Logs = z.object({
  /** Where `followLogs` goes on. */
  cursor: LogCursor,
  lines: z.array(LogEntry),
  /** `kept`: no instance has a log any more; these were kept when the last deployment failed. */
  source: z.enum(['toolbox', 'kept']),
  instances: z.array(LogInstance),
  at: Timestamp,
})

export const FollowLogsInput = z.strictObject({
  id: Id,
  instanceId: Id.optional(),
  /** A cursor of `logs`; left out: the newest lines first. */
  after: LogCursor.nullish(),
  /** Set by the client library at a reconnect. */
  lastEventId: LogCursor.nullish(),
})

/** What `followLogs` sends. */
export const LogMessage = z.discriminatedUnion('kind', [
  /** First of all, and whenever they change. */
  z.object({ kind: z.literal('instances'), instances: z.array(LogInstance) }),
  z.object({ kind: z.literal('lines'), lines: z.array(LogEntry) }),
  /** Lines that were left out: the reader was too slow, or the toolbox keeps them no longer; null: nobody knows how many. */
  z.object({ kind: z.literal('missed'), instanceId: Id, lines: z.int().positive().nullable() }),
  /** Whether the toolbox is being read; `waiting` says why not, and is tried again. */
  z.object({
    kind: z.literal('state'),
    instanceId: Id,
    state: z.enum(['open', 'waiting']),
    failure: Failure.nullable(),
  }),
])
export type LogMessage = z.infer<typeof LogMessage>

/** Query of `GET /api/servers/{id}/logs`. */
export const DownloadLogsQuery = z.strictObject({
  instanceId: Id.optional(),
  format: z.enum(['text', 'ndjson']).default('text'),
  ...LogFilter.shape,
})
