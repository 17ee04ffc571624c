import type { CatalogRelease } from '#contracts/catalog.ts'
import type { CatalogOrigin, DeployServer, UpdateServer } from '#contracts/servers.ts'
import type { Source, SourceChange } from '#contracts/sources.ts'
import type { UserCredential } from '#contracts/user-credentials.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { resolveEnv, resolveSource, resolveTransport } from './resolve.ts'

export interface ResolvedServer<Input> {
  /** With the source that really runs. */
  input: Input
  /** The release it came from; undefined for a source that does not come from the catalog. */
  origin: CatalogOrigin | undefined
}

type WithTransport = DeployServer & { transport: NonNullable<DeployServer['transport']> }

/**
 * What a deploy asks for once the catalog has been looked up; what the caller gives stands above what the release suggests.
 * Throws AppError BAD_REQUEST naming the field.
 */
export async function resolveDeploy(
  ctx: UserCtx,
  input: DeployServer,
): Promise<ResolvedServer<WithTransport>> {
  const { source, transport } = input
  if (source.type !== 'catalog') {
    if (transport === undefined)
      throw new AppError('BAD_REQUEST', 'no transport', { fields: { transport: ['Choose a transport.'] } })
    return { input: { ...input, transport }, origin: undefined }
  }
  const { release, origin, ...resolved } = await withActor(ctx.actor, (db) => resolveSource(db, source))
  const http = input.http ?? release.http
  const data = input.data ?? release.data
  const userCredentials = input.userCredentials ?? release.userCredentials
  return {
    origin,
    input: {
      ...input,
      source: resolved.source,
      transport: resolveTransport(release, transport),
      ...(http && { http }),
      ...(data.length > 0 && { data }),
      userCredentials,
      env: resolveEnv(release, input.env),
      limits: { ...release.limits, ...input.limits },
    },
  }
}

/** A revision that an update starts from. */
interface Before {
  spec: { source: Source; catalog?: CatalogOrigin | undefined; userCredentials: UserCredential[] }
  env: Record<string, { value: string; secret: boolean }>
  headers: Record<string, string>
}

/**
 * The same for an update, from the latest revision on: answers, variables and limits that the server has stay, the release adds
 * what it needs besides. A source that stays the same package, image or URL still comes from its release.
 */
export async function resolveUpdate(
  db: Db,
  before: Before,
  input: UpdateServer,
): Promise<ResolvedServer<UpdateServer>> {
  const { source } = input
  const was = before.spec.catalog
  if (source === undefined) return { input, origin: was }
  if (source.type !== 'catalog')
    return { input, origin: sameThing(before.spec.source, source) ? was : undefined }
  const answers = source.arguments ?? (was?.slug === source.slug ? was.arguments : {})
  const asked = { ...source, ...(Object.keys(answers).length > 0 && { arguments: answers }) }
  const { release, origin, ...resolved } = await resolveSource(db, asked, {
    source: before.spec.source,
    headers: before.headers,
  })
  const http = input.http ?? release.http
  const data = input.data ?? release.data
  return {
    origin,
    input: {
      ...input,
      source: resolved.source,
      transport: resolveTransport(release, input.transport),
      ...(http && { http }),
      ...(data.length > 0 && { data }),
      userCredentials: input.userCredentials ?? askedBesides(before.spec.userCredentials, release),
      env: resolveEnv(release, input.env ?? kept(before.env), before.env),
    },
  }
}

/** Those of the release, and what the server asks for besides as long as it is called in a way that carries it. */
function askedBesides(
  before: readonly UserCredential[],
  { transport, userCredentials }: CatalogRelease,
): UserCredential[] {
  const named = new Set(userCredentials.map(({ name }) => name.toLowerCase()))
  const kind = transport === 'stdio' ? 'env' : 'header'
  return [
    ...userCredentials,
    ...before.filter((one) => one.kind === kind && !named.has(one.name.toLowerCase())),
  ]
}

function kept(of: object): Record<string, { keep: true }> {
  return Object.fromEntries(Object.keys(of).map((name) => [name, { keep: true as const }]))
}

function sameThing(before: Source, now: SourceChange): boolean {
  if (before.type === 'npm' && now.type === 'npm')
    return before.package === now.package && before.version === now.version
  if (before.type === 'image' && now.type === 'image') return before.image === now.image
  return before.type === 'remote' && now.type === 'remote' && before.url === now.url
}
