import type { ProbeFailure } from '#contracts/probe.ts'
import { systemCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { RevisionSpec, requiredHeaders } from './spec.ts'

/**
 * A refusal for want of credentials is the proof that a server is there, where those are required of its users: nobody's own probe
 * has them. Its tools are then known by the first user whose test passes.
 */
export async function asksItsUsers(instanceId: string, { code }: ProbeFailure): Promise<boolean> {
  if (code !== 'AUTH_REQUIRED' && code !== 'SERVER_FORBIDS') return false
  return withActor(systemCtx('provision').actor, async (db) => {
    const { revision } = await db.instance.findUniqueOrThrow({
      where: { id: instanceId },
      select: { revision: { select: { spec: true } } },
    })
    return requiredHeaders(RevisionSpec.parse(revision.spec)).length > 0
  })
}
