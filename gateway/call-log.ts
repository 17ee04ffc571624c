import type { Logger } from 'pino'
import type { CallRow } from '#server/calls/log.ts'
import { within } from './within.ts'

export type CallOutcome = CallRow['outcome']

export interface CallLog {
  /** Never waits and never throws. */
  note(call: CallRow): void
  readonly queued: number
  readonly written: number
  /** Calls that are in no row: the queue was full, or the database did not take them. */
  readonly dropped: number
  /** Writes what is left, for at most `ms`. */
  close(ms: number): Promise<void>
}

/** Rows of one statement. */
const BATCH = 500
const EVERY_MS = 1000
/** Some seconds of the busiest process; about 5 MB without arguments. */
const MAX_QUEUE = 10_000
/** A batch that the database refuses again and again must not keep the others out. */
const MAX_TRIES = 5

/**
 * Writes calls down behind the callers' backs: in batches, one at a time, every second or as soon as one is full. While the
 * database is away the queue fills; what does not fit is counted and lost, for a call matters more than its row.
 */
export function createCallLog(input: {
  write: (calls: CallRow[]) => Promise<void>
  logger: Pick<Logger, 'warn'>
  maxQueue?: number
  everyMs?: number
}): CallLog {
  const maxQueue = input.maxQueue ?? MAX_QUEUE
  let queue: CallRow[] = []
  let dropped = 0
  let written = 0
  let tries = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null

  function schedule(): void {
    timer ??= setTimeout(flush, input.everyMs ?? EVERY_MS)
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (writing !== null || queue.length === 0) return
    writing = writeBatch().finally(() => {
      writing = null
      if (queue.length >= BATCH && tries === 0) flush()
      else if (queue.length > 0) schedule()
    })
  }

  async function writeBatch(): Promise<void> {
    const batch = queue.slice(0, BATCH)
    try {
      await input.write(batch)
      written += batch.length
      tries = 0
    } catch (error) {
      tries++
      if (tries === 1) input.logger.warn({ err: error, queued: queue.length }, 'calls were not written down')
      if (tries < MAX_TRIES) return
      dropped += batch.length
      tries = 0
    }
    queue = queue.slice(batch.length)
  }

  return {
    note(call) {
      if (queue.length >= maxQueue) {
        dropped++
        return
      }
      queue.push(call)
      if (queue.length >= BATCH && tries === 0) flush()
      else schedule()
    },
    get queued() {
      return queue.length
    },
    get written() {
      return written
    },
    get dropped() {
      return dropped
    },
    async close(ms) {
      const deadline = performance.now() + ms
      while (queue.length > 0 && tries === 0 && performance.now() < deadline) {
        flush()
        if (writing !== null) await within(writing, Math.max(0, deadline - performance.now()))
      }
      clearTimeout(timer)
      dropped += queue.length
      if (queue.length > 0) input.logger.warn({ calls: queue.length }, 'calls were not written down')
      queue = []
    },
  }
}
