import type { z } from 'zod'
import type { FollowLogsInput, LogMessage } from '#contracts/logs.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { eventHub } from '#server/events/hub.ts'
import { changesRights, throwIfStopping } from '#server/events/stream.ts'
import { logger } from '#server/logger.ts'
import { LogBuffer } from './logs-buffer.ts'
import { formatLogCursor, parseLogCursor } from './logs-cursor.ts'
import { runFollower } from './logs-follower.ts'
import { instanceView, loadLoggedInstances } from './logs-instances.ts'

/** Events are hints and may be lost; instances come and go with rollouts. */
const LOOK_EVERY_MS = 5_000

/**
 * What the instances of a server write, as they write it, each from its position in the cursor; those that come or go meanwhile are
 * named. Ends with `signal`. Throws AppError NOT_FOUND, also when the server is deleted; STOPPING and SESSION_CHANGED as events do.
 */
export async function* followLogs({
  ctx: { actor },
  input,
  signal,
}: {
  ctx: UserCtx
  input: z.output<typeof FollowLogsInput>
  signal: AbortSignal
}): AsyncGenerator<{ cursor: string; message: LogMessage }, void> {
  const sent = parseLogCursor(input.lastEventId ?? input.after)
  const buffer = new LogBuffer()
  const followers = new Map<string, AbortController>()
  const ending = new AbortController()
  const ended = AbortSignal.any([signal, ending.signal])
  let shown = ''

  async function look(): Promise<void> {
    const instances = await withActor(actor, (db) =>
      loadLoggedInstances(db, input.id, input.instanceId, [...followers.keys()]),
    )
    if (ended.aborted) return
    const view = instances.map(instanceView)
    if (JSON.stringify(view) !== shown) {
      shown = JSON.stringify(view)
      buffer.notice({ kind: 'instances', instances: view })
    }
    for (const [id, follower] of followers) {
      if (instances.some((instance) => instance.id === id)) continue
      follower.abort()
      followers.delete(id)
      sent.delete(id)
    }
    for (const { id, toolbox } of instances) {
      if (toolbox === null || followers.has(id)) continue
      const follower = new AbortController()
      followers.set(id, follower)
      const until = AbortSignal.any([ended, follower.signal])
      void runFollower({ id, toolbox }, sent.get(id) ?? null, buffer, until)
    }
  }

  const { stop, again } = repeat(look, (error) => buffer.fail(error))
  const hub = eventHub().listen((events) => {
    if (events.some(({ event }) => changesRights(event, actor)))
      buffer.fail(new AppError('SESSION_CHANGED', `user ${actor.userId} changed`))
    if (events.some(({ event }) => event.serverId === input.id)) again()
  })
  const end = () => {
    stop()
    hub.stop()
    ending.abort()
  }
  // A generator that is dropped before its first iteration never runs its finally.
  signal.addEventListener('abort', end, { once: true })
  try {
    await look()
    while (!signal.aborted) {
      const messages = buffer.take()
      for (const message of messages) {
        if (message.kind === 'lines')
          for (const { instanceId, seq } of message.lines) if (instanceId !== null) sent.set(instanceId, seq)
        yield { cursor: formatLogCursor(sent), message }
      }
      if (messages.length === 0) await buffer.wait(signal)
    }
    throwIfStopping()
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** Runs `work` every 5 s and when asked to, one run after another. What the domain means ends it; anything else is tried again. */
function repeat(
  work: () => Promise<void>,
  onEnd: (error: Error) => void,
): { stop: () => void; again: () => void } {
  let running = false
  let asked = false
  const run = async () => {
    asked = true
    if (running) return
    running = true
    while (asked) {
      asked = false
      await work().catch((error: Error) => {
        if (error instanceof AppError) onEnd(error)
        else logger.warn({ err: error }, 'instances could not be looked for; trying again')
      })
    }
    running = false
  }
  const timer = setInterval(() => void run(), LOOK_EVERY_MS)
  return { stop: () => clearInterval(timer), again: () => void run() }
}
