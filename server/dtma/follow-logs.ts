import { request } from 'undici'
import { LogLine, LogMissed } from '#contracts/dtma.ts'
import { createLineReader } from '#mcp/line-reader.ts'
import { readBounded } from '#protocol/bounded-http.ts'
import { AppError } from '#server/errors.ts'
import { refuseWhileOpen } from './breaker.ts'
import { CALL_TIMEOUT_MS, dispatcherFor, refusal, type ToolboxAddress, toDtmaError } from './client.ts'
import { takeTurn } from './rate-limit.ts'

/** Logs of one toolbox that this process follows at the same time. */
const MOST_AT_ONCE = 40
/** Agents send an empty line every 10 s; three that stay away are a broken connection. */
const SILENCE_MS = 30_000
const MAX_LINE_CHARS = 256 * 1024
const MAX_REFUSAL_BYTES = 64 * 1024

const open = new Map<string, number>()

/** Logs that this process follows right now, at any toolbox. */
export function countFollowed(): number {
  return [...open.values()].reduce((sum, count) => sum + count, 0)
}

export interface FollowHandlers {
  /** The toolbox answers; lines follow. */
  onOpen: () => void
  onLine: (line: LogLine) => void
  /** Lines after `after` that are not kept any more; null: nobody knows how many. */
  onMissed: (lines: number | null) => void
}

/**
 * Follows the log of an instance until it is deleted, or `signal` aborts: the newest `tail` lines, or all after a position, then
 * each new one. Read as fast as they come: who hands them on holds them back. Throws DtmaError, AppError TOO_MANY_STREAMS.
 */
export async function followInstanceLog(
  toolbox: ToolboxAddress,
  instanceId: string,
  { tail, after, signal }: { tail: number; after: number | null; signal: AbortSignal },
  { onOpen, onLine, onMissed }: FollowHandlers,
): Promise<void> {
  const count = open.get(toolbox.id) ?? 0
  if (count >= MOST_AT_ONCE) throw new AppError('TOO_MANY_STREAMS', `${count} logs of ${toolbox.id} followed`)
  open.set(toolbox.id, count + 1)
  try {
    refuseWhileOpen(toolbox)
    await takeTurn(toolbox.id, true, AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]))
    const query = new URLSearchParams({
      follow: '1',
      tail: String(tail),
      ...(after !== null && { after: String(after) }),
    })
    const answer = await request(new URL(`/v1/instances/${instanceId}/logs?${query}`, toolbox.url), {
      dispatcher: await dispatcherFor(toolbox),
      signal,
      headersTimeout: CALL_TIMEOUT_MS,
      bodyTimeout: SILENCE_MS,
    })
    if (answer.statusCode !== 200) {
      const limits = { maxBytes: MAX_REFUSAL_BYTES, timeoutMs: CALL_TIMEOUT_MS }
      throw refusal(toolbox, answer.statusCode, await readBounded(answer.body, limits))
    }
    onOpen()
    const lines = createLineReader({
      maxChars: MAX_LINE_CHARS,
      onLine: (text) => readLine(text, onLine, onMissed),
      onTooLong: () => undefined,
    })
    for await (const chunk of answer.body) lines.push(chunk as Uint8Array)
  } catch (error) {
    if (signal.aborted) return
    throw error instanceof AppError || (error as Error).name === 'DtmaError'
      ? error
      : toDtmaError(toolbox, error)
  } finally {
    const left = (open.get(toolbox.id) ?? 1) - 1
    if (left === 0) open.delete(toolbox.id)
    else open.set(toolbox.id, left)
  }
}

function readLine(
  text: string,
  onLine: FollowHandlers['onLine'],
  onMissed: FollowHandlers['onMissed'],
): void {
  if (text === '') return
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return
  }
  const line = LogLine.safeParse(value)
  if (line.success) return onLine(line.data)
  const missed = LogMissed.safeParse(value)
  if (missed.success) onMissed(missed.data.missed)
}
