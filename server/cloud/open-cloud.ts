import { env } from '#server/env.ts'
import { AppError } from '#server/errors.ts'
import { digitalOcean } from './digitalocean.ts'
import type { CloudProvider } from './provider.ts'
import { readCloudToken } from './token.ts'

/** The cloud with this installation's token. Throws AppError CLOUD_NOT_CONFIGURED. */
export async function openCloud(): Promise<CloudProvider> {
  const token = await readCloudToken()
  if (token === null) throw new AppError('CLOUD_NOT_CONFIGURED', 'no token')
  return cloudWith(token.value)
}

export function cloudWith(token: string): CloudProvider {
  return digitalOcean({ url: env.DIGITALOCEAN_API_URL, token, timeoutMs: env.DIGITALOCEAN_TIMEOUT_MS })
}
