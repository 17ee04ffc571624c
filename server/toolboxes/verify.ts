import { Failure } from '#contracts/errors.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import type { ToolboxAddress } from '#server/dtma/client.ts'
import { toFailure } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import type { IdentityName } from './identities.ts'
import { reviveToolbox } from './transition.ts'

const actor = systemCtx('toolbox-verify').actor

/** Toolboxes that enrolled and that this identity has not yet dialled back. */
export async function listToolboxesToVerify(identity: IdentityName): Promise<ToolboxAddress[]> {
  const rows = await withActor(actor, (db) =>
    db.toolbox.findMany({
      where: {
        state: 'enrolling',
        url: { not: null },
        certificate: { not: null },
        ...(identity === 'worker' ? { workerVerifiedAt: null } : { gatewayVerifiedAt: null }),
      },
      select: { id: true, url: true, certificate: true },
    }),
  )
  return rows.flatMap(({ id, url, certificate }) => (url && certificate ? [{ id, url, certificate }] : []))
}

/**
 * Records that an identity reached the advertised URL of a toolbox, or why not. It becomes active once worker and gateway both
 * have; a failure names address and port and does not end the enrolment, since the next try may pass. Nothing is recorded of an
 * address or key that the toolbox has since enrolled anew without.
 */
export async function recordDialBack(result: {
  toolbox: ToolboxAddress
  identity: IdentityName
  ok: boolean
  error?: string
}): Promise<void> {
  const { identity } = result
  const { id, url, certificate } = result.toolbox
  const dialled = { id, url, certificate, state: 'enrolling' } as const
  await withActor(actor, async (db) => {
    if (!result.ok) {
      const row = await db.toolbox.findFirst({ where: dialled, select: { failure: true } })
      const detail = `${identity}: ${result.error ?? 'no answer'}`
      const known = Failure.safeParse(row?.failure)
      if (!row || (known.success && known.data.detail === detail)) return
      await db.toolbox.updateMany({
        where: dialled,
        data: { failure: toFailure('TOOLBOX_UNREACHABLE', { detail }) },
      })
      await emit(db, {
        type: 'toolbox.updated',
        subjectId: id,
        toolboxId: id,
        audience: ['admins'],
        data: { state: 'enrolling' },
      })
      return
    }
    const now = new Date()
    await db.toolbox.updateMany({
      where: dialled,
      data: identity === 'worker' ? { workerVerifiedAt: now } : { gatewayVerifiedAt: now },
    })
    const verified = await db.toolbox.count({
      where: { ...dialled, workerVerifiedAt: { not: null }, gatewayVerifiedAt: { not: null } },
    })
    if (verified > 0) await reviveToolbox(db, id)
  })
}
