import { StringDecoder } from 'node:string_decoder'

const EXCERPT = 200

export type LineReader = {
  push(chunk: Uint8Array): void
  /** Hands over an unfinished last line. */
  end(): void
}

/**
 * Splits bytes into lines (UTF-8, "\n" or "\r\n"). A line of more than `maxChars` (UTF-16 units) is not kept: at its end
 * `onTooLong` gets its first and last 200 characters, and the rest is dropped, so that a peer cannot fill the memory.
 */
export function createLineReader(options: {
  maxChars: number
  onLine(line: string): void
  onTooLong(head: string, tail: string): void
}): LineReader {
  const decoder = new StringDecoder('utf8')
  let pieces: string[] = []
  let length = 0
  let tooLong: { head: string; tail: string } | null = null

  function add(piece: string): void {
    if (tooLong !== null) {
      tooLong.tail = (tooLong.tail + piece).slice(-EXCERPT)
      return
    }
    pieces.push(piece)
    length += piece.length
    if (length <= options.maxChars) return
    const line = pieces.join('')
    tooLong = { head: line.slice(0, EXCERPT), tail: line.slice(-EXCERPT) }
    pieces = []
    length = 0
  }

  function finish(): void {
    const line = pieces.join('')
    const dropped = tooLong
    pieces = []
    length = 0
    tooLong = null
    if (dropped !== null) options.onTooLong(dropped.head, dropped.tail)
    else options.onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
  }

  return {
    push(chunk) {
      const parts = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)).split('\n')
      parts.forEach((part, index) => {
        add(part)
        if (index < parts.length - 1) finish()
      })
    },
    end() {
      add(decoder.end())
      if (length > 0 || tooLong !== null) finish()
    },
  }
}
