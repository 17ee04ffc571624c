import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogLine } from '#contracts/dtma.ts'
import type { LogFilter } from '#contracts/logs.ts'
import type { LogSink } from '#dtma/drivers/driver.ts'
import { readFileIfThere } from '#dtma/state/atomic-file.ts'
import { createLevelReader } from '#protocol/log-level.ts'
import { createLineFilter, createPositioner, positionAt } from '#protocol/log-lines.ts'
import type { Redactor } from '#protocol/redact.ts'
import { lastPosition, parseLine } from './instance-log-files.ts'

/** Each of the two files of an instance; the older one is dropped when the newer is full. */
const MAX_FILE_BYTES = 1024 * 1024
/** Lines in memory for finding out why a server ended. */
const RECENT_LINES = 100
/** Past this much unwritten text the writer waits, so a chatty server is slowed down and not the agent. */
const MAX_PENDING_CHARS = 256 * 1024
/** Of one line; what is longer is cut after it was redacted, so that no half of a secret is left. */
const MAX_LINE_CHARS = 8 * 1024
/** Lines are gathered for this long before they are written in one go. */
const GATHER_MS = 50

export type LogListener = (line: LogLine | null) => void

export type LogQuery = LogFilter & {
  /** Only lines after this position. */
  after?: number
}

export type InstanceLog = LogSink & {
  /**
   * The newest `count` lines of those asked for, oldest first. A `listener` gets every line after them, none twice and none left
   * out, until the function answered as `unfollow` is called; null tells it that the log was deleted. `missed` lines after the
   * position asked for are not among the lines; null when some are no longer kept, so that nobody knows how many.
   */
  read(
    count: number,
    listener?: LogListener,
    query?: LogQuery,
  ): Promise<{ lines: LogLine[]; missed: number | null; unfollow: () => void }>
  /** Lines in memory, newest last. */
  recent(): LogLine[]
  /** Values to redact from now on. */
  redactWith(redactor: Redactor): void
  flush(): Promise<void>
  remove(): Promise<void>
}

/** The log of one instance: redacted, bounded (two files of 1 MiB), one JSON document a line. */
export function createInstanceLog(folder: string, initialRedactor: Redactor): InstanceLog {
  const current = join(folder, 'current.ndjson')
  const previous = join(folder, 'previous.ndjson')
  const listeners = new Set<LogListener>()
  let redactor = initialRedactor
  const levelOf = createLevelReader()
  let recent: LogLine[] = []
  let pending: string[] = []
  let pendingChars = 0
  let writing: Promise<void> | null = null
  let size: number | null = null
  /** Readers at work; nothing is written meanwhile, so that each line is on disk or in `pending` for them. */
  let readers = 0
  let position: number | null = null

  /** Never one that was given before: not that of a line that a crash kept from the disk, nor after the clock was set back. */
  function nextPosition(now: Date): number {
    position ??= lastPosition(current) ?? lastPosition(previous) ?? 0
    position = Math.max(position + 1, positionAt(now))
    return position
  }

  async function writePending(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    while (pending.length > 0 && readers === 0) {
      const text = pending.join('')
      pending = []
      pendingChars = 0
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        size ??= await sizeOf(current)
        if (size > MAX_FILE_BYTES) {
          await rename(current, previous)
          size = 0
        }
        await appendFile(current, text, { mode: 0o600 })
        size += Buffer.byteLength(text)
      } catch {
        // A full disk must not end the agent; the lines in memory still tell why a server ended.
        size = null
      }
    }
  }

  function schedule(): Promise<void> {
    writing ??= writePending().finally(() => {
      writing = null
    })
    return writing
  }

  async function flush(): Promise<void> {
    while (pending.length > 0 || writing !== null) await schedule()
  }

  return {
    write(stream, text) {
      const now = new Date()
      const redacted = redactor.text(text)
      const shown =
        redacted.length > MAX_LINE_CHARS ? `${redacted.slice(0, MAX_LINE_CHARS)} [line cut]` : redacted
      const line: LogLine = {
        at: now.toISOString(),
        stream,
        text: shown,
        seq: nextPosition(now),
        level: levelOf({ stream, text: shown }),
      }
      recent.push(line)
      if (recent.length > RECENT_LINES * 2) recent = recent.slice(-RECENT_LINES)
      const json = `${JSON.stringify(line)}\n`
      pending.push(json)
      pendingChars += json.length
      for (const listener of listeners) listener(line)
      void schedule()
    },
    drained: () => (pendingChars > MAX_PENDING_CHARS ? schedule() : null),
    async read(count, listener, { after, ...filter } = {}) {
      readers++
      try {
        await writing
        const texts = await Promise.all([readFileIfThere(previous), readFileIfThere(current)])
        const kept = [...texts.map((text) => text ?? ''), ...pending]
          .flatMap((text) => text.split('\n'))
          .filter((line) => line !== '')
        if (listener !== undefined) listeners.add(listener)
        const all = kept.flatMap(parseLine).map(createPositioner())
        const oldest = all[0]?.seq
        const asked = all
          .filter((line) => after === undefined || line.seq > after)
          .filter(createLineFilter(filter))
        const newest = count === 0 ? [] : asked.slice(-count)
        // Where the position asked for is older than everything kept, lines after it may have gone.
        const forgotten = after !== undefined && after > 0 && oldest !== undefined && after < oldest
        return {
          lines: newest,
          missed:
            after === undefined ? 0 : forgotten && texts[0] !== null ? null : asked.length - newest.length,
          unfollow: () => {
            if (listener !== undefined) listeners.delete(listener)
          },
        }
      } finally {
        readers--
        void schedule()
      }
    },
    recent: () => recent.slice(-RECENT_LINES),
    redactWith(next) {
      redactor = next
    },
    flush,
    async remove() {
      await flush()
      recent = []
      size = null
      await rm(folder, { recursive: true, force: true })
      for (const listener of listeners) listener(null)
      listeners.clear()
    },
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (stats) => stats.size,
    () => 0,
  )
}
