import { z } from 'zod'
import { Id, Text, Timestamp } from './names.ts'
import { Cursor } from './servers.ts'

/** What Docker Hub is called in references, in logins and by people; all of them are the one registry of images without a host. */
const DOCKER_HUB = 'docker.io'
const DOCKER_HUB_NAMES = new Set([
  DOCKER_HUB,
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
  'hub.docker.com',
])

/** A registry as images name it: `host` or `host:port`, in lower case; Docker Hub is `docker.io`. */
export const RegistryHost = z
  .string()
  .trim()
  .toLowerCase()
  .max(255)
  .regex(
    /^(?=.*[.:]|localhost$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::\d{1,5})?$/,
    'The host of a registry without https:// and path, such as ghcr.io or registry.example.com:5000.',
  )
  .transform((host) => (DOCKER_HUB_NAMES.has(host) ? DOCKER_HUB : host))

/**
 * The registry of an image reference. By the distribution project's rule (github.com/distribution/reference) what stands before
 * the first slash is a host when it has a dot or a colon or is `localhost`; else the image is Docker Hub's.
 */
export function registryHostOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const named = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const host = named ? first.toLowerCase() : DOCKER_HUB
  return DOCKER_HUB_NAMES.has(host) ? DOCKER_HUB : host
}

/** Replaces what was kept for the host. */
export const SetRegistry = z.strictObject({
  host: RegistryHost,
  username: Text.trim().min(1, 'Enter the user name.').max(256, 'Use at most 256 characters.'),
  /** A password or an access token. Write-only. */
  password: Text.min(1, 'Enter the password or an access token.').max(8192, 'Use at most 8192 characters.'),
})
export type SetRegistry = z.infer<typeof SetRegistry>

/** What is known of a registry; its password is never sent. */
export const Registry = z.object({
  id: Id,
  host: z.string(),
  username: z.string(),
  /** Servers that are not deleted and whose latest revision runs an image of it. */
  serverCount: z.int(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type Registry = z.infer<typeof Registry>

export const RegistryList = z.object({ cursor: Cursor, items: z.array(Registry) })
