import { z } from 'zod'
import { BoundedHttpError, parseJson, readBounded } from '#protocol/bounded-http.ts'
import { logger } from '#server/logger.ts'
import { authenticateToolbox } from './authenticate.ts'
import { IngressError } from './ingress-error.ts'

/** A heartbeat of 2000 instances. */
const MAX_BODY_BYTES = 4 * 1024 * 1024
const BODY_TIMEOUT_MS = 10_000

/** A request of an agent: its body is read within bounds, its signature checked when `signed`, and every failure answered in the protocol's form. */
export async function answerAgent(
  request: Request,
  signed: boolean,
  work: (input: { toolboxId: string; body: unknown }) => Promise<unknown>,
): Promise<Response> {
  try {
    const bytes = request.body
      ? await readBounded(request.body, {
          maxBytes: MAX_BODY_BYTES,
          timeoutMs: BODY_TIMEOUT_MS,
        })
      : Buffer.alloc(0)
    const { pathname, search } = new URL(request.url)
    const toolboxId = signed
      ? await authenticateToolbox({
          method: request.method,
          path: pathname + search,
          headers: Object.fromEntries(request.headers),
          body: bytes,
        })
      : ''
    const body = bytes.length > 0 ? parseJson(bytes, z.unknown()) : undefined
    return Response.json(await work({ toolboxId, body }))
  } catch (error) {
    return answerError(error)
  }
}

function answerError(error: unknown): Response {
  if (error instanceof IngressError) return Response.json({ error: error.body }, { status: error.status })
  if (error instanceof BoundedHttpError) {
    const tooLarge = error.code === 'TOO_LARGE'
    return Response.json(
      { error: { code: tooLarge ? 'TOO_LARGE' : 'BAD_REQUEST', message: error.message } },
      { status: tooLarge ? 413 : 400 },
    )
  }
  logger.error({ err: error }, "an agent's request failed")
  return Response.json(
    { error: { code: 'INTERNAL', message: 'The control plane failed; try again.' } },
    { status: 500 },
  )
}
