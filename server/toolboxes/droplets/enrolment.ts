import type { Db } from '#server/db/with-actor.ts'
import { derivedSecret } from '#server/secrets/keyring.ts'
import { hashToken } from '#server/secrets/tokens.ts'
import { IngressError } from '#server/toolboxes/ingress-error.ts'
import type { DropletRow } from './load.ts'

/**
 * The one-time token of an attempt. Derived rather than drawn, so that a droplet which is asked for twice is asked for in the very
 * same words, whichever of the two requests came through; nothing but its hash is stored.
 */
export function dropletToken(toolboxId: string, attempt: number): string {
  return `tbe_${derivedSecret(`droplet:${toolboxId}:${attempt}`)}`
}

/** Makes the token good until the attempt's deadline, once. */
export async function ensureDropletToken(db: Db, row: DropletRow, token: string): Promise<void> {
  await db.toolboxEnrollment.createMany({
    data: { toolboxId: row.toolboxId, tokenHash: hashToken(token), expiresAt: row.deadlineAt },
    skipDuplicates: true,
  })
}

/**
 * Until it is ready a droplet's token is good on the droplet itself alone: not on one that was made too much, nor where the token
 * was carried to. Throws IngressError; BUSY while the droplet's address is not known yet.
 */
export async function requireOwnMachine(db: Db, toolboxId: string, advertisedUrl: string): Promise<void> {
  const row = await db.droplet.findUnique({ where: { toolboxId }, select: { step: true, ipv4: true } })
  if (!row || row.step === 'ready') return
  if (row.step === 'destroying' || row.step === 'gone')
    throw new IngressError(401, 'ENROLLMENT_INVALID', 'This droplet is being destroyed.')
  if (row.ipv4 === null)
    throw new IngressError(
      503,
      'BUSY',
      'The address of this droplet is not known yet; try again in a moment.',
    )
  if (new URL(advertisedUrl).hostname !== row.ipv4)
    throw new IngressError(403, 'FORBIDDEN', `This token is for the droplet at ${row.ipv4} alone.`)
}
