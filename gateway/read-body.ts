import type { IncomingMessage } from 'node:http'

/** Largest body of a request. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024
/** A client that sends too much is read on for a while, or it would see a broken connection in place of the answer. */
const MAX_DRAINED_BYTES = 4 * MAX_BODY_BYTES
const BODY_TIMEOUT_MS = 30_000

export type BodyRefusal = 'too-large' | 'timeout' | 'closed'

/** The whole body as text with its size, or why there is none. After a refusal the connection is not to be used again. */
export async function readBody(
  request: IncomingMessage,
): Promise<{ text: string; bytes: number } | BodyRefusal> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    drain(request)
    return 'too-large'
  }
  const result = Promise.withResolvers<{ text: string; bytes: number } | BodyRefusal>()
  const chunks: Buffer[] = []
  let size = 0
  const timer = setTimeout(() => result.resolve('timeout'), BODY_TIMEOUT_MS)
  const onData = (chunk: Buffer) => {
    size += chunk.byteLength
    chunks.push(chunk)
    if (size > MAX_BODY_BYTES) result.resolve('too-large')
  }
  const onClose = () => result.resolve('closed')
  request.on('data', onData)
  const onEnd = () => result.resolve({ text: Buffer.concat(chunks, size).toString('utf8'), bytes: size })
  request.once('end', onEnd)
  request.once('close', onClose).once('error', onClose)
  const read = await result.promise
  clearTimeout(timer)
  request.off('data', onData).off('end', onEnd).off('close', onClose)
  if (typeof read === 'string') drain(request)
  return read
}

function drain(request: IncomingMessage): void {
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.byteLength
    if (size > MAX_DRAINED_BYTES) request.destroy()
  })
  request.on('error', () => {})
}
