import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LogLine } from '#contracts/dtma.ts'
import type { LogSink } from '#dtma/drivers/driver.ts'
import { readFileIfThere } from '#dtma/state/atomic-file.ts'
import type { Redactor } from '#protocol/redact.ts'

/** Each of the two files of an instance; the older one is dropped when the newer is full. */
const MAX_FILE_BYTES = 1024 * 1024
/** Lines in memory for finding out why a server ended. */
const RECENT_LINES = 100
/** Past this much unwritten text the writer waits, so a chatty server is slowed down and not the agent. */
const MAX_PENDING_CHARS = 256 * 1024
/** Lines are gathered for this long before they are written in one go. */
const GATHER_MS = 50

export type LogListener = (line: LogLine | null) => void

export type InstanceLog = LogSink & {
  /**
   * The newest `count` lines, oldest first. A `listener` gets every line after them, none twice and none left out, until the
   * function answered as `unfollow` is called; null tells it that the log was deleted.
   */
  read(count: number, listener?: LogListener): Promise<{ lines: LogLine[]; unfollow: () => void }>
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
  let recent: LogLine[] = []
  let pending: string[] = []
  let pendingChars = 0
  let writing: Promise<void> | null = null
  let size: number | null = null
  /** Readers at work; nothing is written meanwhile, so that each line is on disk or in `pending` for them. */
  let readers = 0

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
      const line: LogLine = { at: new Date().toISOString(), stream, text: redactor.text(text) }
      recent.push(line)
      if (recent.length > RECENT_LINES * 2) recent = recent.slice(-RECENT_LINES)
      const json = `${JSON.stringify(line)}\n`
      pending.push(json)
      pendingChars += json.length
      for (const listener of listeners) listener(line)
      void schedule()
    },
    drained: () => (pendingChars > MAX_PENDING_CHARS ? schedule() : null),
    async read(count, listener) {
      readers++
      try {
        await writing
        const texts = await Promise.all([readFileIfThere(previous), readFileIfThere(current)])
        const lines = [...texts.map((text) => text ?? ''), ...pending].flatMap((text) => text.split('\n'))
        if (listener !== undefined) listeners.add(listener)
        const newest = count === 0 ? [] : lines.filter((line) => line !== '').slice(-count)
        return {
          lines: newest.flatMap(parseLine),
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

/** A line that a crash cut in two is left out. */
function parseLine(text: string): LogLine[] {
  try {
    const parsed = LogLine.safeParse(JSON.parse(text))
    return parsed.success ? [parsed.data] : []
  } catch {
    return []
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (stats) => stats.size,
    () => 0,
  )
}
