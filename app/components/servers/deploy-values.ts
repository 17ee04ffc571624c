import { type UserCredentialRow, userCredentialRows } from '#app/components/servers/user-credential-values.ts'
import type { CatalogArgument, CatalogHeader, CatalogVariable } from '#contracts/catalog.ts'
import type { HttpEndpoint, Sharing, Transport } from '#contracts/instances.ts'
import type { RevisionView, ServerDetail } from '#contracts/servers.ts'
import type { UserCredential } from '#contracts/user-credentials.ts'

/** `config`: a configuration is pasted, and no server of it chosen yet. */
export type SourceType = 'catalog' | 'npm' | 'image' | 'remote' | 'config'

export interface EnvRow {
  name: string
  value: string
  secret: boolean
  /** Name of the secret that the server has already: it stays as it is while `value` is empty. */
  kept?: string
  /** What the catalog says of it: the row is part of the entry's form. */
  asked?: CatalogVariable
}

/** A header of a remote server; always a secret. */
export interface HeaderRow {
  name: string
  value: string
  kept?: string
  asked?: CatalogHeader
}

/** An answer to an argument that a catalog entry asks for; several stand one a line. */
export interface AnswerRow {
  value: string
  asked: CatalogArgument
}

/** What wizard and edit page edit; `toDeployInput` makes the contract's shape of it. Numbers and lists stay text until then. */
export interface DeployValues {
  sourceType: SourceType
  catalogSlug: string
  catalogVersion: string
  /** What the chosen release really runs. */
  catalogRuns: 'npm' | 'image' | 'remote'
  /** What was pasted; it may hold secrets. */
  configText: string
  package: string
  version: string
  bin: string
  image: string
  url: string
  name: string
  description: string
  args: string
  answers: AnswerRow[]
  headers: HeaderRow[]
  env: EnvRow[]
  userCredentials: UserCredentialRow[]
  /** Of a server that is called over stdio and asks no variables of its users. */
  sharing: Sharing
  transport: 'stdio' | 'streamable-http'
  httpPath: string
  httpPortBy: 'env' | 'arg' | 'fixed'
  httpPort: string
  toolboxId: string
  visibility: 'everyone' | 'restricted'
  grants: string[]
  memoryMb: string
  cpus: string
  pids: string
  /** Paths that outlive revisions, one a line. */
  data: string
  drainSeconds: string
}

/** What is going to run in the end. */
export function runsOf({
  sourceType,
  catalogRuns,
}: Pick<DeployValues, 'sourceType' | 'catalogRuns'>): DeployValues['catalogRuns'] {
  if (sourceType === 'config') return 'npm'
  return sourceType === 'catalog' ? catalogRuns : sourceType
}

/** What users can be asked for: a process has variables, what is called over HTTP gets headers. */
export function askedKind(
  values: Pick<DeployValues, 'sourceType' | 'catalogRuns' | 'transport'>,
): UserCredential['kind'] {
  return runsOf(values) !== 'remote' && values.transport === 'stdio' ? 'env' : 'header'
}

export const AUTOMATIC = 'automatic'

export const EMPTY_DEPLOY: DeployValues = {
  sourceType: 'npm',
  catalogSlug: '',
  catalogVersion: '',
  catalogRuns: 'npm',
  configText: '',
  package: '',
  version: '',
  bin: '',
  image: '',
  url: '',
  name: '',
  description: '',
  args: '',
  answers: [],
  headers: [],
  env: [],
  userCredentials: [],
  sharing: 'shared',
  transport: 'stdio',
  httpPath: '/mcp',
  httpPortBy: 'env',
  httpPort: 'PORT',
  toolboxId: AUTOMATIC,
  visibility: 'everyone',
  grants: [],
  memoryMb: '512',
  cpus: '1',
  pids: '256',
  data: '',
  drainSeconds: '60',
}

function sourceValues({ source, headerNames }: RevisionView): Partial<DeployValues> {
  switch (source.type) {
    case 'npm':
      return {
        sourceType: 'npm',
        package: source.package,
        version: source.version ?? '',
        bin: source.bin ?? '',
        args: (source.args ?? []).join('\n'),
      }
    case 'image':
      return { sourceType: 'image', image: source.image, args: (source.args ?? []).join('\n') }
    case 'remote':
      return {
        sourceType: 'remote',
        url: source.url,
        headers: headerNames.map((name) => ({ name, value: '', kept: name })),
      }
    case 'catalog':
      return { sourceType: 'catalog', catalogSlug: source.slug, catalogVersion: source.version ?? '' }
  }
}

/** How a server is spoken to. */
export function httpValues({
  transport,
  http,
}: {
  transport: Transport
  http?: HttpEndpoint | null | undefined
}): Pick<DeployValues, 'transport' | 'httpPath' | 'httpPortBy' | 'httpPort'> {
  const port = http?.port ?? { env: 'PORT' }
  return {
    transport: transport === 'stdio' ? 'stdio' : 'streamable-http',
    httpPath: http?.path ?? EMPTY_DEPLOY.httpPath,
    httpPortBy: 'env' in port ? 'env' : 'arg' in port ? 'arg' : 'fixed',
    httpPort: String(Object.values(port)[0]),
  }
}

/** The values of a revision as it stands; its secrets are kept unless they are given again. */
export function revisionValues(revision: RevisionView): DeployValues {
  const { limits } = revision
  return {
    ...EMPTY_DEPLOY,
    ...sourceValues(revision),
    ...httpValues(revision),
    env: revision.env.map(({ name, value, secret }) =>
      secret ? { name, value: '', secret, kept: name } : { name, value: value ?? '', secret },
    ),
    userCredentials: userCredentialRows(revision.userCredentials),
    sharing: revision.sharing,
    memoryMb: String(limits.memoryMb),
    cpus: String(limits.cpus),
    pids: String(limits.pids),
    data: revision.data.map(({ mountPath }) => mountPath).join('\n'),
    drainSeconds: String(revision.drainSeconds),
  }
}

export type EditedServer = Pick<
  ServerDetail,
  'id' | 'name' | 'description' | 'visibility' | 'revision' | 'toolbox'
>

/** The edit page's values for a server that is there, from its latest revision. */
export function valuesOf(server: Omit<EditedServer, 'id'>): DeployValues {
  return {
    ...(server.revision ? revisionValues(server.revision) : EMPTY_DEPLOY),
    name: server.name,
    description: server.description ?? '',
    visibility: server.visibility,
    toolboxId: server.toolbox?.id ?? AUTOMATIC,
  }
}
