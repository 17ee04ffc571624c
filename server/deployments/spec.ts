import { z } from 'zod'
import {
  DataMount,
  HttpEndpoint,
  type InstanceSource,
  type InstanceSpec,
  Limits,
  Sharing,
  Transport,
} from '#contracts/instances.ts'
import { CatalogOrigin, type DeployServer } from '#contracts/servers.ts'
import { Source } from '#contracts/sources.ts'
import { askingProblems, sharingOf, UserCredentials } from '#contracts/user-credentials.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { credentialsFor } from '#server/registries/credentials.ts'
import { open, type Place } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'
import type { Needs } from '#server/toolboxes/room.ts'
import { REMOTE_LIMITS, remoteProblems } from './remote-source.ts'

/** What a revision keeps, immutable; env and headers stand encrypted in rows of their own. */
export const RevisionSpec = z.object({
  source: Source,
  catalog: CatalogOrigin.optional(),
  transport: Transport,
  http: HttpEndpoint.nullable(),
  limits: Limits,
  sharing: Sharing,
  rollout: z.enum(['beside', 'recreate']),
  /** Seconds. */
  drainSeconds: z.int(),
  data: z.array(DataMount).default([]),
  userCredentials: UserCredentials.default([]),
})
export type RevisionSpec = z.infer<typeof RevisionSpec>

const DRAIN_SECONDS = 60

type Asked = Pick<
  DeployServer,
  'source' | 'http' | 'limits' | 'env' | 'data' | 'drainSeconds' | 'userCredentials' | 'sharing'
> & { transport: Transport }

/** The revision that a deploy or an update asks for. Throws AppError SOURCE_UNSUPPORTED, BAD_REQUEST. */
export function toRevisionSpec(input: Asked): RevisionSpec {
  const { source, transport, data = [], userCredentials = [] } = input
  const ofSource =
    source.type === 'remote'
      ? remoteProblems(source, input)
      : { ...localProblems(input), ...dataProblems(data) }
  const fields = {
    ...askingProblems({
      ...input,
      env: Object.keys(input.env ?? {}),
      headers: source.type === 'remote' ? Object.keys(source.headers ?? {}) : [],
    }),
    ...ofSource,
  }
  if (Object.keys(fields).length > 0) throw new AppError('BAD_REQUEST', `source ${source.type}`, { fields })
  return {
    source: source.type === 'remote' ? { type: 'remote', url: source.url } : source,
    transport,
    http:
      transport === 'stdio' || source.type === 'remote'
        ? null
        : HttpEndpoint.parse(input.http ?? (transport === 'sse' ? { path: '/sse' } : {})),
    limits: source.type === 'remote' ? REMOTE_LIMITS : Limits.parse(input.limits ?? {}),
    sharing: sharingOf(input),
    // Two revisions never write the same data at once.
    rollout: data.length > 0 ? 'recreate' : 'beside',
    drainSeconds: input.drainSeconds ?? DRAIN_SECONDS,
    data,
    userCredentials,
  }
}

function localProblems({ source, transport, http }: Asked): Record<string, string[]> {
  if (source.type === 'catalog') throw new Error('A source of the catalog was not resolved.')
  if (transport === 'stdio' && http)
    return { http: ['Only a server that listens (streamable-http, sse) has an endpoint.'] }
  return {}
}

/** Folders of the system, which a server must find as they are. */
const SYSTEM_PATH = /^\/(?:proc|sys|dev|etc|run|tmp)(?:\/|$)/

function dataProblems(data: readonly DataMount[]): Record<string, string[]> {
  const paths = data.map(({ mountPath }) => mountPath)
  const fields: Record<string, string[]> = {}
  for (const [at, path] of paths.entries()) {
    const other = paths.find((one, index) => index !== at && `${path}/`.startsWith(`${one}/`))
    if (SYSTEM_PATH.test(path)) fields[`data.${at}.mountPath`] = ['This folder belongs to the system.']
    else if (other !== undefined && (other !== path || paths.indexOf(path) !== at))
      fields[`data.${at}.mountPath`] = [`This is, or lies in, ${other}, which is declared too.`]
  }
  return fields
}

/** What history is kept by: the same source with another version takes about as long. */
export function sourceKeyOf(spec: RevisionSpec): string {
  if (spec.source.type === 'npm') return `npm:${spec.source.package}`
  if (spec.source.type === 'image') return `image:${repositoryOf(spec.source.image)}`
  return spec.source.type === 'remote' ? `remote:${new URL(spec.source.url).host}` : spec.source.type
}

/** An image's name without its tag and digest. The port of a registry is neither. */
export function repositoryOf(image: string): string {
  return image.replace(/(?::[^:/@]+)?(?:@.+)?$/, '')
}

/** Headers without which its users get no answer, so that a look at it that is nobody's own may get none. */
export function requiredHeaders({ userCredentials }: Pick<RevisionSpec, 'userCredentials'>): string[] {
  return userCredentials.flatMap(({ kind, name, required }) => (kind === 'header' && required ? [name] : []))
}

/** What a toolbox must have for it. */
export function needsOf({ limits, source }: RevisionSpec): Needs {
  return { ...limits, driver: source.type === 'image' ? 'docker' : null }
}

export function envPlace(revisionId: string, name: string): Place {
  return { table: 'revision_env', row: `${revisionId}/${name}`, column: 'ciphertext' }
}

export function headerPlace(revisionId: string, name: string): Place {
  return { table: 'revision_headers', row: `${revisionId}/${name}`, column: 'ciphertext' }
}

/**
 * The whole spec of an instance, secrets in clear: for the agent only. `imageDigest` is the instance's own (`sha256:…`), which its
 * image is pulled by instead of its tag.
 */
export async function loadInstanceSpec(
  db: Db,
  revisionId: string,
  imageDigest: string | null = null,
): Promise<InstanceSpec> {
  const revision = await db.revision.findUniqueOrThrow({
    where: { id: revisionId },
    include: { env: true, headers: true, server: { select: { name: true } } },
  })
  const { source, transport, http, limits, sharing, userCredentials, data } = RevisionSpec.parse(
    revision.spec,
  )
  const userHeaders = requiredHeaders({ userCredentials })
  const key = masterKey()
  const headers = revision.headers.map(
    ({ name, ciphertext }) => [name, open(key, headerPlace(revisionId, name), ciphertext)] as const,
  )
  return {
    serverId: revision.serverId,
    serverName: revision.server.name,
    revisionId,
    source: await runnableSource(db, source, { headers: Object.fromEntries(headers), imageDigest }),
    transport,
    ...(http && { http }),
    sharing,
    env: Object.fromEntries(
      revision.env.map((row) => [row.name, open(key, envPlace(revisionId, row.name), row.ciphertext)]),
    ),
    userEnv: userCredentials.flatMap(({ kind, name, required }) =>
      kind === 'env' && required ? [name] : [],
    ),
    secretNames: revision.env.filter((row) => row.secret).map((row) => row.name),
    ...(userHeaders.length > 0 && { userHeaders }),
    limits,
    data,
  }
}

/** What the agent runs, with what opens a private registry or a remote server. */
async function runnableSource(
  db: Db,
  source: Source,
  { headers, imageDigest }: { headers: Record<string, string>; imageDigest: string | null },
): Promise<InstanceSource> {
  switch (source.type) {
    case 'npm':
      return { ...source, args: source.args ?? [] }
    case 'image': {
      const credentials = await credentialsFor(db, source.image)
      const image = imageDigest === null ? source.image : `${repositoryOf(source.image)}@${imageDigest}`
      return { ...source, image, args: source.args ?? [], ...(credentials && { credentials }) }
    }
    case 'remote':
      return { type: 'remote', url: source.url, headers }
    default:
      throw new Error(`A revision with source ${source.type} cannot be run.`)
  }
}
