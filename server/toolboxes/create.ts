import type { CreateToolbox, CreateToolboxAnswer } from '#contracts/toolboxes.ts'
import type { UserCtx } from '#server/context.ts'
import { AppError, isUniqueViolation } from '#server/errors.ts'
import { createHost } from './create-host.ts'
import { createDropletToolbox } from './droplets/create-droplet.ts'

/**
 * Makes a toolbox. Throws AppError TOOLBOX_NAME_TAKEN, PUBLIC_URL_IS_LOOPBACK, PUBLIC_URL_NOT_HTTPS, AGENT_NOT_PACKED, and what its
 * kind adds.
 */
export async function createToolbox({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: CreateToolbox
}): Promise<CreateToolboxAnswer> {
  try {
    return await (input.kind === 'droplet'
      ? createDropletToolbox({ ctx, input })
      : createHost({ ctx, input }))
  } catch (error) {
    if (isUniqueViolation(error, 'toolboxes_name_unique'))
      throw new AppError('TOOLBOX_NAME_TAKEN', `toolbox ${input.name} exists`, {
        fields: { name: [`There is a toolbox named "${input.name}" already.`] },
        cause: error,
      })
    throw error
  }
}
