import type { z } from 'zod'
import type { DownloadLogsQuery, LogEntry, LogInstance } from '#contracts/logs.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { fetchServer } from './fetch.ts'
import { collectLogs } from './logs.ts'

/** More than a toolbox keeps of one instance (2 MiB). */
const ALL_LINES = 50_000
const LINES_A_CHUNK = 500

/**
 * Everything that is kept of a server's log and passes the filter, as a file: its name without an ending, and its text in pieces. As
 * text one line is `time stream level text`, with the instance where there are several. Throws AppError as `readLogs` does.
 */
export async function downloadLogs({
  ctx,
  input: { id, instanceId, format, ...filter },
}: {
  ctx: UserCtx
  input: z.output<typeof DownloadLogsQuery> & { id: string }
}): Promise<{ name: string; lines: Iterator<string> }> {
  const { name } = await withActor(ctx.actor, (db) => fetchServer(db, id))
  const { lines, instances, at } = await collectLogs(ctx, {
    id,
    tail: ALL_LINES,
    filter,
    ...(instanceId !== undefined && { instanceId }),
  })
  const toText = format === 'ndjson' ? toJson : toPlain(instances)
  return { name: `${name}-${at.slice(0, 19).replaceAll(':', '-')}`, lines: pieces(lines, toText) }
}

function* pieces(lines: readonly LogEntry[], toText: (line: LogEntry) => string): Generator<string> {
  for (let at = 0; at < lines.length; at += LINES_A_CHUNK)
    yield lines
      .slice(at, at + LINES_A_CHUNK)
      .map(toText)
      .join('')
}

function toJson(line: LogEntry): string {
  return `${JSON.stringify(line)}\n`
}

function toPlain(instances: readonly LogInstance[]): (line: LogEntry) => string {
  const names = new Map(instances.map((one) => [one.id, `revision-${one.revisionNumber}/${one.attempt} `]))
  return ({ at, stream, level, text, instanceId }) => {
    const name = names.size > 1 && instanceId !== null ? (names.get(instanceId) ?? '') : ''
    return `${at} ${name}${stream} ${level ?? '-'} ${text}\n`
  }
}
