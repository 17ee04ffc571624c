import { BootstrapReport } from '#contracts/dtma.ts'
import { type Bootstrap, ToolboxState } from '#contracts/toolboxes.ts'
import { createRedactor } from '#protocol/redact.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { toFailure } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { hashToken } from '#server/secrets/tokens.ts'
import { IngressError } from './ingress-error.ts'

/**
 * Takes in what the installation of an agent says of itself: the step it is at, or why it failed, which then stands at its toolbox.
 * Speaks only for the toolbox that its token was made for, and only until that has enrolled. Throws IngressError.
 */
export async function reportBootstrap({ input }: { input: unknown }): Promise<{ ok: true }> {
  const parsed = BootstrapReport.safeParse(input)
  if (!parsed.success)
    throw new IngressError(
      400,
      'BAD_REQUEST',
      parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
    )
  const { token, step, state, message } = parsed.data
  const text = createRedactor([token]).text(message)
  await withActor(systemCtx('bootstrap').actor, async (db) => {
    const enrollment = await db.toolboxEnrollment.findFirst({
      where: { tokenHash: hashToken(token), usedAt: null, expiresAt: { gt: new Date() } },
      select: { toolboxId: true },
    })
    if (!enrollment)
      throw new IngressError(
        401,
        'ENROLLMENT_INVALID',
        'The enrolment token is unknown, used or expired. Make a new one.',
      )
    const { toolboxId } = enrollment
    const bootstrap: Bootstrap = { step, message: text, at: new Date().toISOString() }
    const { count } = await db.toolbox.updateMany({
      where: { id: toolboxId, state: { not: 'deleting' } },
      data: {
        bootstrap,
        ...(state === 'failed' && {
          failure: toFailure('TOOLBOX_BOOTSTRAP_FAILED', { detail: `${step}: ${text}` }),
        }),
      },
    })
    if (count === 0) return
    const row = await db.toolbox.findUniqueOrThrow({ where: { id: toolboxId }, select: { state: true } })
    await emit(db, {
      type: 'toolbox.updated',
      subjectId: toolboxId,
      toolboxId,
      audience: ['admins'],
      data: { state: ToolboxState.parse(row.state), step },
    })
  })
  return { ok: true }
}
