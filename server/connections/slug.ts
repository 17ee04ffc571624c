import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'

/** Throws AppError SLUG_TAKEN. */
export async function requireFreeSlug(db: Db, agentId: string, slug: string): Promise<void> {
  const taken = await db.connection.findFirst({
    where: { agentId, slug, state: { not: 'disconnected' } },
    select: { id: true },
  })
  if (taken) throw slugTaken(slug)
}

export function slugTaken(slug: string, cause?: unknown): AppError {
  return new AppError('SLUG_TAKEN', `slug ${slug}`, {
    fields: { slug: [`Another connection of this agent has the prefix "${slug}" already.`] },
    cause,
  })
}
