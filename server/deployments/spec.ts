import { z } from 'zod'
import {
  HttpEndpoint,
  type InstanceSource,
  type InstanceSpec,
  Limits,
  Transport,
} from '#contracts/instances.ts'
import { CatalogOrigin, type DeployServer, Source } from '#contracts/servers.ts'
import type { Db } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { credentialsFor } from '#server/registries/credentials.ts'
import { open, type Place } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'

/** What a revision keeps, immutable; env stands encrypted in rows of its own. */
export const RevisionSpec = z.object({
  source: Source,
  catalog: CatalogOrigin.optional(),
  transport: Transport,
  http: HttpEndpoint.nullable(),
  limits: Limits,
  sharing: z.enum(['shared', 'isolated']),
  rollout: z.enum(['beside', 'recreate']),
  /** Seconds. */
  drainSeconds: z.int(),
})
export type RevisionSpec = z.infer<typeof RevisionSpec>

/** The revision that a deploy or an update asks for. Throws AppError SOURCE_UNSUPPORTED, BAD_REQUEST. */
export function toRevisionSpec(
  input: Pick<DeployServer, 'source' | 'http' | 'limits'> & { transport: Transport },
): RevisionSpec {
  if (input.source.type !== 'npm')
    throw new AppError('SOURCE_UNSUPPORTED', `source ${input.source.type}`, {
      fields: { 'source.type': ['Only npm packages can be deployed by this version.'] },
    })
  if (input.transport === 'sse')
    throw new AppError('BAD_REQUEST', 'transport sse', {
      fields: { transport: ['Servers from npm are deployed with stdio or streamable-http.'] },
    })
  if (input.transport === 'stdio' && input.http)
    throw new AppError('BAD_REQUEST', 'http with stdio', {
      fields: { http: ['Only a streamable-http server has an endpoint.'] },
    })
  return {
    source: input.source,
    transport: input.transport,
    http: input.transport === 'stdio' ? null : HttpEndpoint.parse(input.http ?? {}),
    limits: Limits.parse(input.limits ?? {}),
    sharing: 'shared',
    rollout: 'beside',
    drainSeconds: 60,
  }
}

/** What history is kept by: the same source with another version takes about as long. */
export function sourceKeyOf(spec: RevisionSpec): string {
  return spec.source.type === 'npm' ? `npm:${spec.source.package}` : spec.source.type
}

export function envPlace(revisionId: string, name: string): Place {
  return { table: 'revision_env', row: `${revisionId}/${name}`, column: 'ciphertext' }
}

/** The whole spec of an instance, secrets in clear: for the agent only. */
export async function loadInstanceSpec(db: Db, revisionId: string): Promise<InstanceSpec> {
  const revision = await db.revision.findUniqueOrThrow({
    where: { id: revisionId },
    include: { env: true, server: { select: { name: true } } },
  })
  const spec = RevisionSpec.parse(revision.spec)
  const key = masterKey()
  return {
    serverId: revision.serverId,
    serverName: revision.server.name,
    revisionId,
    source: await runnableSource(db, spec.source),
    transport: spec.transport,
    ...(spec.http && { http: spec.http }),
    env: Object.fromEntries(
      revision.env.map((row) => [row.name, open(key, envPlace(revisionId, row.name), row.ciphertext)]),
    ),
    secretNames: revision.env.filter((row) => row.secret).map((row) => row.name),
    limits: spec.limits,
    data: [],
  }
}

/** What the agent fetches, with what opens a private registry. */
async function runnableSource(db: Db, source: Source): Promise<InstanceSource> {
  switch (source.type) {
    case 'npm':
      return { ...source, args: source.args ?? [] }
    case 'image': {
      const credentials = await credentialsFor(db, source.image)
      return { ...source, args: source.args ?? [], ...(credentials && { credentials }) }
    }
    default:
      throw new Error(`A revision with source ${source.type} cannot be run.`)
  }
}
