import { z } from 'zod'
import { Deployment, DeploymentState, RedeployAnswer } from './deployments.ts'
import { Failure } from './errors.ts'
import { DataMount, HttpEndpoint, Limits, Sharing, SomeLimits, Transport } from './instances.ts'
import { EnvName, Id, Name, Text, Timestamp } from './names.ts'
import { ToolDefinition } from './probe.ts'
import { RESERVED_ENV } from './reserved-names.ts'
import { Kept, Source, SourceChange } from './sources.ts'
import { askingProblems, UserCredentials } from './user-credentials.ts'

export const DesiredServerState = z.enum(['running', 'stopped', 'deleted'])
export type DesiredServerState = z.infer<typeof DesiredServerState>
export const ServerState = z.enum([
  'deploying',
  'starting',
  'running',
  'degraded',
  'stopping',
  'stopped',
  'failed',
  'unreachable',
  'deleting',
])
export type ServerState = z.infer<typeof ServerState>
export const Visibility = z.enum(['everyone', 'restricted'])
export type Visibility = z.infer<typeof Visibility>

/** Which release of which catalog entry a revision was made from; what it runs is its own source. */
export const CatalogOrigin = z.object({
  slug: z.string(),
  version: z.string(),
  /** The answers that its arguments were made from. */
  arguments: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
})
export type CatalogOrigin = z.infer<typeof CatalogOrigin>

export const EnvValue = z.strictObject({
  value: Text.max(32_768, 'A value has at most 32768 characters.'),
  /** Secret values are write-only and redacted from logs. */
  secret: z.boolean().optional(),
})

const Description = Text.max(500, 'Use at most 500 characters.')

/** Variables by name, at most 100 and none that the toolbox sets itself. */
function envOf<Value extends z.ZodType>(value: Value) {
  return z
    .record(EnvName, value)
    .refine((env) => Object.keys(env).length <= 100, 'Use at most 100 variables.')
    .superRefine((env, ctx) => {
      for (const name of Object.keys(env))
        if (RESERVED_ENV.has(name.toUpperCase()))
          ctx.addIssue({
            code: 'custom',
            path: [name],
            message: `${name} is set by the toolbox and cannot be given.`,
          })
    })
}

const NewServer = z.strictObject({
  name: Name,
  description: Description.optional(),
  /** Left out: the active toolbox with the most room that fits. */
  toolboxId: Id.optional(),
  source: Source,
  /** May be left out for a catalog entry, which has its own. */
  transport: Transport.optional(),
  http: HttpEndpoint.optional(),
  env: envOf(EnvValue).optional(),
  limits: SomeLimits.optional(),
  /** Where declared, a rollout is `recreate`: two revisions never write the same data at once. */
  data: z.array(DataMount).max(8).optional(),
  /** How long calls that were begun may go on after a rollout, in seconds. */
  drainSeconds: z.int().min(0).max(3600).optional(),
  /** What each of its users has to bring. */
  userCredentials: UserCredentials.optional(),
  /** Of stdio servers. Left out: `isolated` where users bring variables, else `shared`. */
  sharing: Sharing.optional(),
  visibility: Visibility.optional(),
  /** Ids of users who may use a `restricted` server. */
  grants: z.array(Id).max(500).optional(),
})

export const DeployServer = NewServer.refine(
  ({ source, transport }) => transport !== undefined || source.type === 'catalog',
  { path: ['transport'], message: 'Choose a transport.' },
).superRefine(({ source, transport, env = {}, ...server }, ctx) => {
  // What an entry of the catalog adds is known once it has been looked up.
  if (transport === undefined || source.type === 'catalog') return
  const headers = source.type === 'remote' ? Object.keys(source.headers ?? {}) : []
  const problems = askingProblems({ ...server, transport, env: Object.keys(env), headers })
  for (const [field, messages] of Object.entries(problems))
    for (const message of messages) ctx.addIssue({ code: 'custom', path: field.split('.'), message })
})
export type DeployServer = z.infer<typeof DeployServer>
/** What a caller may send: defaults not yet filled in. */
export type DeployServerInput = z.input<typeof DeployServer>

/** What is left out stays as it is. `env`, when given, is all of it; a variable that it does not name is removed. */
export const UpdateServer = z.strictObject({
  id: Id,
  /**
   * The revision that the change was made from: the newest, or the one that serves; CONFLICT when it is neither any more. Left out:
   * the one that serves, or the newest when none does.
   */
  baseRevision: z.int().positive().optional(),
  description: Description.nullable().optional(),
  visibility: Visibility.optional(),
  source: SourceChange.optional(),
  transport: Transport.optional(),
  http: HttpEndpoint.optional(),
  env: envOf(z.union([EnvValue, Kept])).optional(),
  limits: SomeLimits.optional(),
  data: z.array(DataMount).max(8).optional(),
  drainSeconds: z.int().min(0).max(3600).optional(),
  /** When given, all of them: one that it does not name is not asked for any more. */
  userCredentials: UserCredentials.optional(),
  sharing: Sharing.optional(),
  /** Moves it, as with `redeploy`. */
  toolboxId: Id.optional(),
})
export type UpdateServer = z.infer<typeof UpdateServer>
export type UpdateServerInput = z.input<typeof UpdateServer>

/** `deployment` is null when nothing changed that a server runs with. */
export const UpdateAnswer = z.object({
  serverId: Id,
  revisionNumber: z.int(),
  deployment: RedeployAnswer.nullable(),
})
export type UpdateAnswer = z.infer<typeof UpdateAnswer>

export const RevisionView = z.object({
  number: z.int(),
  /** Without the headers of a remote server: see `headerNames`. */
  source: Source,
  /** Null when it was not deployed from the catalog. */
  catalog: CatalogOrigin.nullable(),
  /** Headers of a remote server; their values are never sent. */
  headerNames: z.array(z.string()),
  transport: Transport,
  http: HttpEndpoint.nullable(),
  limits: Limits,
  /** Values of secrets are never sent. */
  env: z.array(z.object({ name: z.string(), secret: z.boolean(), value: z.string().nullable() })),
  data: z.array(DataMount),
  rollout: z.enum(['beside', 'recreate']),
  sharing: Sharing,
  userCredentials: UserCredentials,
  /** Seconds. */
  drainSeconds: z.int(),
  createdAt: Timestamp,
})
export type RevisionView = z.infer<typeof RevisionView>

export const ServerSummary = z.object({
  id: Id,
  name: z.string(),
  description: z.string().nullable(),
  state: ServerState,
  desired: DesiredServerState,
  visibility: Visibility,
  toolbox: z.object({ id: Id, name: z.string(), state: z.string() }).nullable(),
  /** Admin only, null for users. */
  source: Source.nullable(),
  transport: Transport.nullable(),
  toolCount: z.int(),
  failure: Failure.nullable(),
  /** The deployment that is going on, or the last one. Admin only, null for users. */
  deployment: z.object({ id: Id, state: DeploymentState, phase: z.string().nullable() }).nullable(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type ServerSummary = z.infer<typeof ServerSummary>

export const ServerDetail = ServerSummary.extend({
  serverInfo: z
    .object({ name: z.string(), version: z.string().nullable(), protocolVersion: z.string() })
    .nullable(),
  tools: z.array(ToolDefinition),
  connectionCount: z.int(),
  /** Admin only. */
  revision: RevisionView.nullable(),
  /** Newest first, admin only. */
  deployments: z.array(Deployment),
  instance: z
    .object({
      id: Id,
      state: z.string(),
      restarts: z.int(),
      startedAt: Timestamp.nullable(),
      memoryBytes: z.number().nullable(),
      resolvedVersion: z.string().nullable(),
      /** What runs; the latest revision may be one that never went live. */
      revisionNumber: z.int(),
    })
    .nullable(),
  grants: z.array(z.object({ userId: Id, email: z.string() })),
})
export type ServerDetail = z.infer<typeof ServerDetail>

export const ById = z.strictObject({ id: Id })
/** Where a subscription starts so that nothing between the query and the stream is missed. */
export const Cursor = z.string().max(200)

export const ServerList = z.object({ cursor: Cursor, items: z.array(ServerSummary) })
export const ServerGet = ServerDetail.extend({ cursor: Cursor })

export const DeleteServer = z.strictObject({ id: Id, confirmName: z.string().max(40) })
export const GrantServer = z.strictObject({ id: Id, userId: Id })
