import { randomUUID } from 'node:crypto'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { BoundedHttpError, readBounded } from '#protocol/bounded-http.ts'
import { resolveActor } from '#server/auth/resolve-actor.ts'
import { NOBODY } from '#server/context.ts'
import { AppError } from '#server/errors.ts'
import { areStreamsEnded } from '#server/events/streams.ts'
import type { TrpcContext } from './context.ts'
import { appRouter } from './router.ts'

/** The largest legal input is a deploy with 100 variables of 32 KiB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024
const BODY_TIMEOUT_MS = 30_000

/** tRPC over HTTP, for pages and scripts alike. */
export async function handleTrpc(request: Request): Promise<Response> {
  const requestId = randomUUID()
  const { context, req } = await admit(request).then(
    (admitted) => ({ ...admitted, context: { actor: admitted.actor, requestId } satisfies TrpcContext }),
    // Answered by the procedure's permission, in the form that tRPC gives every failure.
    (refusal: Error) => ({
      req: withBody(request, Buffer.alloc(0)),
      context: { actor: NOBODY, requestId, refusal } satisfies TrpcContext,
    }),
  )
  const response = await fetchRequestHandler({
    endpoint: '/api/trpc',
    req,
    router: appRouter,
    createContext: () => context,
  })
  response.headers.set('x-request-id', requestId)
  response.headers.set('cache-control', 'no-store')
  // Kept alive, the connection of a stream that has ended, or any other, would carry the next request into a server that waits to stop.
  if (areStreamsEnded() || response.headers.get('content-type')?.startsWith('text/event-stream'))
    response.headers.set('connection', 'close')
  return response
}

/** Who sends the request, and the request with a body that was read within bounds. Throws AppError. */
async function admit(request: Request) {
  const actor = await resolveActor(request)
  if (request.body === null) return { actor, req: request }
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  try {
    const body = await readBounded(request.body, {
      maxBytes: MAX_BODY_BYTES,
      timeoutMs: BODY_TIMEOUT_MS,
    })
    return { actor, req: withBody(request, body) }
  } catch (error) {
    if (error instanceof BoundedHttpError && error.code === 'TOO_LARGE') throw tooLarge()
    throw new AppError('BAD_REQUEST', 'the body ended too early or too late', { cause: error })
  }
}

function withBody(request: Request, body: Buffer): Request {
  const { url, method, headers, signal } = request
  return new Request(url, {
    method,
    headers,
    signal,
    ...(request.body !== null && { body: new Uint8Array(body) }),
  })
}

function tooLarge(): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', 'body too large')
}
