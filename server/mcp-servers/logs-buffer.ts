import type { LogEntry, LogMessage } from '#contracts/logs.ts'

/** What waits for a reader; past either bound the oldest lines are left out, and counted. */
const MAX_LINES = 5_000
const MAX_CHARS = 2 * 1024 * 1024
const BATCH = 200

/**
 * What a reader of logs has not taken yet, bounded: a slow one costs no memory and holds nobody up, but misses lines and is told
 * how many. Of states and the list of instances only the newest waits.
 */
export class LogBuffer {
  #lines: LogEntry[] = []
  #chars = 0
  readonly #missed = new Map<string, number | null>()
  readonly #notices = new Map<string, LogMessage>()
  #failure: Error | null = null
  #wake: () => void = () => undefined

  push(line: LogEntry): void {
    this.#lines.push(line)
    this.#chars += line.text.length
    let left = 0
    while (this.#lines.length - left > MAX_LINES || this.#chars > MAX_CHARS) {
      const oldest = this.#lines[left]
      if (oldest === undefined) break
      left += 1
      this.#chars -= oldest.text.length
      if (oldest.instanceId !== null) this.#count(oldest.instanceId, 1)
    }
    if (left > 0) this.#lines.splice(0, left)
    this.#wake()
  }

  /** Lines that never came here. */
  missed(instanceId: string, lines: number | null): void {
    this.#count(instanceId, lines)
    this.#wake()
  }

  notice(message: Extract<LogMessage, { kind: 'instances' | 'state' }>): void {
    const key = message.kind === 'state' ? message.instanceId : message.kind
    this.#notices.delete(key)
    this.#notices.set(key, message)
    this.#wake()
  }

  /** Ends the reading with an error, once what waits was taken. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  /** Everything that waits but lines, and of those a batch. Throws the failure when nothing is left. */
  take(): LogMessage[] {
    const missed = [...this.#missed].map(
      ([instanceId, lines]): LogMessage => ({ kind: 'missed', instanceId, lines }),
    )
    const messages = [...this.#notices.values(), ...missed]
    this.#notices.clear()
    this.#missed.clear()
    const lines = this.#lines.splice(0, BATCH)
    this.#chars -= lines.reduce((sum, { text }) => sum + text.length, 0)
    if (lines.length > 0) messages.push({ kind: 'lines', lines })
    if (messages.length === 0 && this.#failure) throw this.#failure
    return messages
  }

  /** Resolves when there is something to take, or `signal` aborts. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#wake = () => undefined
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done)
      const waiting = this.#lines.length > 0 || this.#missed.size > 0 || this.#notices.size > 0
      if (signal.aborted || waiting || this.#failure) done()
    })
  }

  #count(instanceId: string, lines: number | null): void {
    const before = this.#missed.get(instanceId)
    const unknown = lines === null || before === null
    this.#missed.set(instanceId, unknown ? null : (before ?? 0) + lines)
  }
}
