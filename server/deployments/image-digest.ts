import type { Db } from '#server/db/with-actor.ts'
import { RevisionSpec, repositoryOf } from './spec.ts'

/**
 * Keeps the digest of the image that an instance went live with for its revision, once: a tag may move, the revision may not. Only
 * what an agent says of the revision's own repository counts, and an image that came from no registry has none.
 */
export async function pinImage(db: Db, instanceId: string): Promise<void> {
  const { revisionId, resolvedVersion, revision } = await db.instance.findUniqueOrThrow({
    where: { id: instanceId },
    select: { revisionId: true, resolvedVersion: true, revision: { select: { spec: true } } },
  })
  const { source } = RevisionSpec.parse(revision.spec)
  if (source.type !== 'image' || source.image.includes('@')) return
  const [repository, digest] = resolvedVersion?.split('@') ?? []
  if (repository !== repositoryOf(source.image) || !/^sha256:[0-9a-f]{64}$/.test(digest ?? '')) return
  await db.revision.updateMany({
    where: { id: revisionId, imageDigest: null },
    data: { imageDigest: digest },
  })
}
