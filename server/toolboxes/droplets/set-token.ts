import type { CloudStatus } from '#contracts/droplets.ts'
import { askingCloud } from '#server/cloud/failure.ts'
import { cloudWith } from '#server/cloud/open-cloud.ts'
import { deleteCloudToken, storeCloudToken } from '#server/cloud/token.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'
import { getCloudStatus } from './cloud-status.ts'

/** Tries the token and stores it, sealed. Throws AppError: CLOUD_UNAUTHORIZED and the other CLOUD_…; CONFLICT when a file gives the token. */
export async function setCloudToken({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { token: string }
}): Promise<CloudStatus> {
  if (env.DIGITALOCEAN_TOKEN_FILE !== undefined)
    throw new AppError('CONFLICT', 'the token comes from a file', {
      detail: 'The token comes from DIGITALOCEAN_TOKEN_FILE; change it there.',
    })
  await askingCloud(() => cloudWith(input.token).account())
  await storeCloudToken(ctx, input.token)
  return getCloudStatus({ ctx })
}

/** Forgets the stored token. Throws AppError CONFLICT while droplets would be left that nobody could destroy any more. */
export async function removeCloudToken({ ctx }: { ctx: UserCtx }): Promise<CloudStatus> {
  const droplets = await withActor(ctx.actor, (db) => db.droplet.count({ where: { step: { not: 'gone' } } }))
  if (droplets > 0)
    throw new AppError('CONFLICT', `${droplets} droplets are there`, {
      detail: `${droplets} of this installation's droplets are there still; delete their toolboxes first.`,
    })
  await deleteCloudToken(ctx)
  return getCloudStatus({ ctx })
}
