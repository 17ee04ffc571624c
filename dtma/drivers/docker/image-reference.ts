/** An image's name taken apart; `registry` is null for Docker Hub. */
export type ImageParts = {
  registry: string | null
  /** With the registry, without tag and digest. */
  repository: string
  tag: string | null
  digest: string | null
}

/** Splits what contracts' ImageReference accepts. The first part is a registry when it looks like a host, as Docker has it. */
export function parseImage(image: string): ImageParts {
  const [named = '', digest = null] = image.split('@')
  const slash = named.indexOf('/')
  const first = slash === -1 ? '' : named.slice(0, slash)
  const registry = /[.:A-Z]/.test(first) || first === 'localhost' ? first : null
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  return {
    registry,
    repository: hasTag ? named.slice(0, colon) : named,
    tag: hasTag ? named.slice(colon + 1) : null,
    digest,
  }
}

/** As the engine wants it: a digest is enough by itself, and without either it is the tag "latest". */
export function pullable({ repository, tag, digest }: ImageParts): string {
  return digest === null ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`
}

/** The digest of this repository among those that the engine knows an image by. */
export function digestOf(
  parts: ImageParts,
  repoDigests: readonly string[] | null | undefined,
): string | null {
  const names = [parts.repository, `docker.io/${parts.repository}`, `docker.io/library/${parts.repository}`]
  const found = (repoDigests ?? []).find((known) => names.includes(known.split('@')[0] ?? ''))
  return found?.split('@')[1] ?? null
}
