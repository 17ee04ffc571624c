import { randomUUID } from 'node:crypto'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { resolveActor } from '#server/auth/resolve-actor.ts'
import { AppError } from '#server/errors.ts'
import { toTrpcError } from './errors.ts'
import { appRouter } from './router.ts'

/** The largest legal input is a deploy with 100 variables of 32 KiB. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

/** tRPC over HTTP, for pages and scripts alike. */
export async function handleTrpc(request: Request): Promise<Response> {
  const requestId = randomUUID()
  const response = await fetchRequestHandler({
    endpoint: '/api/trpc',
    req: request,
    router: appRouter,
    createContext: async () => {
      try {
        if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES)
          throw new AppError('PAYLOAD_TOO_LARGE', 'body too large')
        return { actor: await resolveActor(request), requestId }
      } catch (error) {
        throw error instanceof AppError ? toTrpcError(error) : error
      }
    },
  })
  response.headers.set('x-request-id', requestId)
  response.headers.set('cache-control', 'no-store')
  return response
}
