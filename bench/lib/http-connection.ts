import { connect, type Socket } from 'node:net'

export interface HttpAnswer {
  status: number
  headers: ReadonlyMap<string, string>
  body: string
}

interface Waiting {
  resolve: (answer: HttpAnswer) => void
  reject: (error: Error) => void
  /** Given every piece of the body as it comes; the answer is not collected then. */
  onBody: ((text: string) => void) | undefined
}

/** One kept connection to a plain HTTP server on this machine, one request at a time. */
export interface HttpConnection {
  /** `head` ends without the line of the length. Rejects when the connection breaks. */
  send(head: string, body?: string, onBody?: (text: string) => void): Promise<HttpAnswer>
  close(): void
}

/**
 * An HTTP/1.1 client that costs the load generator little, since it shares the machine with what it measures: it writes prepared heads and
 * reads lengths and chunks, nothing else.
 */
export async function openHttp(port: number): Promise<HttpConnection> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return overSocket(socket)
}

function overSocket(socket: Socket): HttpConnection {
  let waiting: Waiting | null = null
  let buffered: Buffer = Buffer.alloc(0)
  let head: { status: number; headers: Map<string, string>; length: number | null } | null = null
  let pieces: string[] = []

  function fail(error: Error): void {
    waiting?.reject(error)
    waiting = null
  }
  function take(bytes: number): string {
    const text = buffered.toString('utf8', 0, bytes)
    buffered = buffered.subarray(bytes)
    return text
  }
  function finish(): void {
    if (head === null) return
    const { status, headers } = head
    const done = waiting
    const body = pieces.length === 1 ? (pieces[0] ?? '') : pieces.join('')
    head = null
    pieces = []
    waiting = null
    done?.resolve({ status, headers, body })
  }
  function keep(text: string): void {
    if (waiting?.onBody) waiting.onBody(text)
    else pieces.push(text)
  }
  /** Whether there may be more in what has come. */
  function step(): boolean {
    if (head === null) {
      const end = buffered.indexOf('\r\n\r\n')
      if (end === -1) return false
      head = parseHead(take(end + 4))
      if (head.length === 0) finish()
      return true
    }
    if (head.length !== null) {
      if (buffered.length < head.length) return false
      keep(take(head.length))
      finish()
      return true
    }
    const lineEnd = buffered.indexOf('\r\n')
    if (lineEnd === -1) return false
    const size = Number.parseInt(buffered.toString('latin1', 0, lineEnd), 16)
    if (buffered.length < lineEnd + 2 + size + 2) return false
    buffered = buffered.subarray(lineEnd + 2)
    const text = take(size)
    buffered = buffered.subarray(2)
    if (size === 0) finish()
    else keep(text)
    return true
  }
  socket.on('data', (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    while (buffered.length > 0 && step());
  })
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('The connection was closed.')))

  return {
    send(requestHead, body = '', onBody) {
      return new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('The connection was closed.'))
        waiting = { resolve, reject, onBody }
        socket.write(`${requestHead}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
      })
    },
    close: () => void socket.destroy(),
  }
}

function parseHead(text: string): { status: number; headers: Map<string, string>; length: number | null } {
  const lines = text.split('\r\n')
  const status = Number(lines[0]?.split(' ')[1])
  const headers = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const chunked = headers.get('transfer-encoding') === 'chunked'
  const length = status === 204 ? 0 : Number(headers.get('content-length') ?? 0)
  return { status, headers, length: chunked ? null : length }
}
