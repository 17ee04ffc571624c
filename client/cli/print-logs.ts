import type { LogLevel, LogLine } from '#contracts/dtma.ts'
import type { LogMessage } from '#contracts/logs.ts'
import type { CliContext } from './context.ts'
import { findServer } from './find.ts'

export type LogOptions = { tail: number; search?: string; level?: LogLevel; follow?: boolean }

/** Prints the last lines of a server's log, and with `follow` each new one until the program is ended. */
export async function printLogs(
  context: CliContext,
  given: string,
  { follow, ...wanted }: LogOptions,
): Promise<void> {
  const { toolberth, answer } = context
  const { id } = await findServer(toolberth, given)
  const logs = await toolberth.servers.logs.query({ id, ...wanted })
  if (!follow) return answer(logs, logs.lines.map(textOf).join('\n'))
  for (const line of logs.lines) answer(line, textOf(line))
  await new Promise<void>((resolve, reject) => {
    toolberth.servers.followLogs.subscribe(
      { id, after: logs.cursor },
      {
        onData: ({ data }) => print(context, data),
        onError: reject,
        onComplete: resolve,
      },
    )
  })
}

function print({ answer, note }: CliContext, message: LogMessage): void {
  if (message.kind === 'lines') for (const line of message.lines) answer(line, textOf(line))
  if (message.kind === 'missed') note(`(${message.lines ?? 'Some'} lines are left out.)`)
  if (message.kind === 'state' && message.failure)
    note(`(The toolbox cannot be read: ${message.failure.code}.)`)
}

function textOf({ at, stream, text }: LogLine): string {
  return `${at} ${stream}: ${text}`
}
