import type { z } from 'zod'

export type BoundedHttpCode = 'TOO_LARGE' | 'TIMEOUT' | 'INVALID_JSON' | 'INVALID_SHAPE'

/** A body that was refused; `message` is safe to answer to the peer. Its issues name fields, never values. */
export class BoundedHttpError extends Error {
  readonly code: BoundedHttpCode
  constructor(code: BoundedHttpCode, message: string) {
    super(message)
    this.name = 'BoundedHttpError'
    this.code = code
  }
}

export type BodyLimits = {
  maxBytes: number
  /** Milliseconds for the whole body, from the call on. */
  timeoutMs: number
}

/** A Node request, an undici response body, or a web stream. */
export type BodySource = AsyncIterable<Uint8Array | string>

/**
 * Reads a whole body, at most `maxBytes`. Throws BoundedHttpError TOO_LARGE or TIMEOUT and stops reading (an iterator's
 * `return` destroys a Node stream); other errors of the stream pass through.
 */
export async function readBounded(body: BodySource, limits: BodyLimits): Promise<Buffer> {
  const iterator = body[Symbol.asyncIterator]()
  const chunks: Buffer[] = []
  let size = 0
  const { promise: expired, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new BoundedHttpError('TIMEOUT', `The body was not complete after ${limits.timeoutMs} ms.`)),
    limits.timeoutMs,
  )
  expired.catch(() => {})
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), expired])
      if (next.done === true) return Buffer.concat(chunks, size)
      const chunk = Buffer.from(next.value as Uint8Array)
      size += chunk.length
      if (size > limits.maxBytes) {
        throw new BoundedHttpError('TOO_LARGE', `The body is larger than ${limits.maxBytes} bytes.`)
      }
      chunks.push(chunk)
    }
  } catch (error) {
    // Not awaited: a stream that hangs in `next` would hang in `return` too.
    Promise.resolve(iterator.return?.()).catch(() => {})
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Parses JSON bytes and checks them. Throws BoundedHttpError INVALID_JSON, or INVALID_SHAPE naming the first three fields. */
export function parseJson<Schema extends z.ZodType>(
  bytes: Buffer | string,
  schema: Schema,
): z.output<Schema> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new BoundedHttpError('INVALID_JSON', 'The body is not JSON.')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.slice(0, 3).map((issue) => {
    const path = issue.path.join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  throw new BoundedHttpError('INVALID_SHAPE', issues.join('; '))
}

/** `readBounded` and `parseJson` in one. */
export async function readJson<Schema extends z.ZodType>(
  body: BodySource,
  schema: Schema,
  limits: BodyLimits,
): Promise<z.output<Schema>> {
  return parseJson(await readBounded(body, limits), schema)
}
