/** One server-sent event as the WHATWG HTML standard (section 9.2) dispatches it. `event` is "message" when not named. */
export type SseEvent = { event: string; data: string; id: string | null; retry: number | null }

export class SseTooLargeError extends Error {
  constructor(limitBytes: number) {
    super(`An event of the stream is larger than ${limitBytes} characters.`)
    this.name = 'SseTooLargeError'
  }
}

/** Comment that keeps proxies from closing an idle stream; clients ignore it. */
export const SSE_KEEPALIVE = ': keepalive\n\n'

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const

/** Serialises one event. Line breaks in `data` become several data lines; in the other fields they are not allowed. */
export function encodeSse(input: { data: string; event?: string; id?: string; retry?: number }): string {
  let text = ''
  if (input.event !== undefined) text += `event: ${singleLine(input.event)}\n`
  if (input.id !== undefined) text += `id: ${singleLine(input.id)}\n`
  if (input.retry !== undefined) text += `retry: ${input.retry}\n`
  for (const line of input.data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`
  return `${text}\n`
}

function singleLine(value: string): string {
  if (/[\r\n\0]/.test(value)) throw new TypeError('A field of a server-sent event has a line break.')
  return value
}

/**
 * Reads events from chunks of a response body. Ends when the body ends (an unfinished event is dropped, as the standard says).
 * Throws SseTooLargeError when a single event passes `maxEventChars` (UTF-16 units), so a peer cannot fill the memory.
 */
export async function* readSse(
  chunks: AsyncIterable<Uint8Array | string>,
  options: { maxEventChars: number },
): AsyncGenerator<SseEvent, void, void> {
  const parser = createSseParser(options)
  const decoder = new TextDecoder()
  for await (const chunk of chunks) {
    yield* parser.push(typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))
  }
}

/** Incremental parser: `push(text)` answers the events that became complete. Throws SseTooLargeError like `readSse`. */
export function createSseParser(options: { maxEventChars: number }): { push(text: string): SseEvent[] } {
  let pieces: string[] = []
  let piecesLength = 0
  let atStart = true
  let afterCarriageReturn = false
  let data: string[] = []
  let dataLength = 0
  let event = ''
  let id: string | null = null
  let retry: number | null = null

  function guard(): void {
    if (piecesLength + dataLength > options.maxEventChars) throw new SseTooLargeError(options.maxEventChars)
  }

  function takeLine(line: string, events: SseEvent[]): void {
    if (line === '') {
      if (data.length > 0) events.push({ event: event || 'message', data: data.join('\n'), id, retry })
      data = []
      dataLength = 0
      event = ''
      retry = null
      return
    }
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon === -1 ? line : line.slice(0, colon)
    const raw = colon === -1 ? '' : line.slice(colon + 1)
    const value = raw.startsWith(' ') ? raw.slice(1) : raw
    if (field === 'data') {
      data.push(value)
      dataLength += value.length + 1
    } else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d+$/.test(value)) retry = Number(value)
  }

  return {
    push(text) {
      const events: SseEvent[] = []
      let from = 0
      if (atStart && text.length > 0) {
        atStart = false
        if (text.charCodeAt(0) === 0xfeff) from = 1
      }
      for (let i = from; i < text.length; i++) {
        const code = text.charCodeAt(i)
        if (code !== 10 && code !== 13) {
          afterCarriageReturn = false
          continue
        }
        if (code === 10 && afterCarriageReturn) {
          afterCarriageReturn = false
          from = i + 1
          continue
        }
        afterCarriageReturn = code === 13
        const line = pieces.join('') + text.slice(from, i)
        pieces = []
        piecesLength = 0
        from = i + 1
        takeLine(line, events)
        guard()
      }
      if (from < text.length) {
        pieces.push(text.slice(from))
        piecesLength += text.length - from
        guard()
      }
      return events
    },
  }
}
