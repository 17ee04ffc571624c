import { CLOCK_TOLERANCE_SECONDS } from '#contracts/dtma.ts'
import { Id } from '#contracts/names.ts'
import { type HeaderBag, TOOLBOX_HEADER, verifyRequest } from '#protocol/signing.ts'
import { NOBODY, systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { redis, redisKey } from '#server/redis.ts'
import { IngressError } from './ingress-error.ts'

/**
 * Answers the id of the toolbox that signed a request; an agent speaks for its own toolbox only. Throws IngressError UNAUTHORIZED,
 * or CLOCK_SKEW with the server's time.
 */
export async function authenticateToolbox(request: {
  method: string
  path: string
  headers: HeaderBag
  body: Buffer
}): Promise<string> {
  const toolboxId = Id.safeParse(request.headers[TOOLBOX_HEADER])
  if (!toolboxId.success) throw unauthorized()
  const rows = await withActor(
    NOBODY,
    (db) =>
      db.$queryRaw<
        { certificate: string | null }[]
      >`SELECT app.toolbox_certificate(${toolboxId.data}::uuid) AS certificate`,
  )
  const certificate = rows[0]?.certificate
  if (!certificate) {
    await refuseDeleted(toolboxId.data)
    throw unauthorized()
  }
  const now = new Date()
  const verified = verifyRequest({ ...request, certificate, now, toleranceSeconds: CLOCK_TOLERANCE_SECONDS })
  if (!verified.ok) {
    if (verified.reason !== 'time') throw unauthorized()
    throw new IngressError(401, 'CLOCK_SKEW', 'The clock of the agent is off.', {
      serverTime: now.toISOString(),
    })
  }
  const nonceKey = redisKey('nonce', toolboxId.data, verified.nonce)
  const fresh = await redis().set(nonceKey, '1', 'EX', 2 * CLOCK_TOLERANCE_SECONDS, 'NX')
  if (fresh === null) throw unauthorized()
  return toolboxId.data
}

/** One that was deleted is told so, for its agent has servers to end. Throws IngressError TOOLBOX_GONE. */
async function refuseDeleted(toolboxId: string): Promise<void> {
  const gone = await withActor(systemCtx('authenticate').actor, (db) =>
    db.toolbox.count({ where: { id: toolboxId, deletedAt: { not: null } } }),
  )
  if (gone > 0) throw new IngressError(410, 'TOOLBOX_GONE', 'This toolbox was deleted.')
}

function unauthorized(): IngressError {
  return new IngressError(401, 'UNAUTHORIZED', 'The signature of the request is missing or wrong.')
}
