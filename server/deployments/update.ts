import { isDeepStrictEqual } from 'node:util'
import type { UpdateAnswer, UpdateServer } from '#contracts/servers.ts'
import { recordAudit } from '#server/audit/record.ts'
import { resolveUpdate } from '#server/catalog/resolve-server.ts'
import type { UserCtx } from '#server/context.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { changeRevision, type RevisionChange } from './change-revision.ts'
import { nextHeaders } from './remote-source.ts'
import { type LoadedRevision, loadRevision } from './revision.ts'
import { RevisionSpec, toRevisionSpec } from './spec.ts'

/**
 * Changes a server. What it runs with makes the next revision, which is deployed beside the one that serves; description and
 * visibility hold at once and make none. A new revision's tag is resolved anew; giving the source is enough to ask for that. Throws AppError NOT_FOUND, BAD_REQUEST, SOURCE_UNSUPPORTED, CONFLICT when
 * `baseRevision` is neither the newest nor the current one, DEPLOYMENT_IN_PROGRESS, TOOLBOX_…, DATA_CANNOT_MOVE.
 */
export async function updateServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: UpdateServer
}): Promise<UpdateAnswer> {
  const work = async (change: RevisionChange): Promise<UpdateAnswer> => {
    const base = await baseOf(change, input.baseRevision)
    const { input: resolved, origin } = await resolveUpdate(change.db, base, input)
    const env = nextEnv(base.env, resolved.env)
    const headers = nextHeaders({ source: base.spec.source, headers: base.headers }, resolved.source)
    const spec = { ...nextSpec(base.spec, resolved, { env, headers }), ...(origin && { catalog: origin }) }
    const next = { spec, env, headers }
    await describe(change, ctx, input)
    const detail = {
      from: base.number,
      changed: changedParts(base, next, { sourceGiven: input.source !== undefined }),
    }
    if (detail.changed.length === 0 && change.moves) {
      const deployment = await change.deploy({ action: 'server.move', revision: base, detail: {} })
      return { serverId: input.id, revisionNumber: base.number, deployment }
    }
    if (detail.changed.length === 0)
      return { serverId: input.id, revisionNumber: base.number, deployment: null }
    const revision = await change.write(spec, { env, headers })
    const deployment = await change.deploy({ action: 'server.update', revision, detail })
    return { serverId: input.id, revisionNumber: revision.number, deployment }
  }
  return changeRevision(ctx, input.id, work, { toolboxId: input.toolboxId })
}

/** The revision that the change is made to. Throws AppError CONFLICT. */
async function baseOf({ db, server, newest, current }: RevisionChange, asked: number | undefined) {
  if (asked === undefined || asked === current.number) return current
  if (asked === newest.number) return loadRevision(db, server.id, newest.number)
  throw new AppError('CONFLICT', `revision ${asked} is neither the newest nor the current one`, {
    detail: `Revision ${newest.number} was made meanwhile.`,
  })
}

/** Description and visibility: they belong to the server and not to a revision. */
async function describe({ db, server }: RevisionChange, ctx: UserCtx, input: UpdateServer): Promise<void> {
  const description = input.description === undefined ? server.description : input.description || null
  const visibility = input.visibility ?? server.visibility
  const narrowed = visibility !== server.visibility
  if (description === server.description && !narrowed) return
  await db.mcpServer.update({
    where: { id: server.id },
    data: { description, visibility, updatedAt: new Date() },
  })
  await emit(db, {
    type: 'server.updated',
    subjectId: server.id,
    serverId: server.id,
    // Whoever saw it before, or sees it from now on.
    audience: narrowed ? ['everyone'] : { server: server.id },
    data: {},
  })
  await recordAudit(db, ctx, {
    action: 'server.describe',
    subjectType: 'server',
    subjectId: server.id,
    detail: { name: server.name, description, visibility },
  })
}

type Clear = Pick<LoadedRevision, 'env' | 'headers'>

function nextSpec(before: RevisionSpec, input: UpdateServer, { env, headers }: Clear): RevisionSpec {
  const { source = before.source, limits, drainSeconds = before.drainSeconds } = input
  if (source.type === 'catalog') throw new Error('A source of the catalog was not resolved.')
  const remote = source.type === 'remote'
  const transport = input.transport ?? (remote ? 'streamable-http' : before.transport)
  // The endpoint of a server that no longer listens here goes with its transport.
  const listens = transport !== 'stdio' && !remote
  const http = input.http ?? (listens ? (before.http ?? undefined) : undefined)
  // A remote server's are the agent's, and no default for a process.
  const { userCredentials = before.userCredentials } = input
  const limitsBefore = before.source.type === 'remote' ? {} : before.limits
  const asked = toRevisionSpec({
    source: source.type === 'remote' ? { type: 'remote', url: source.url, headers } : source,
    transport,
    http,
    limits: { ...limitsBefore, ...limits },
    env,
    data: input.data ?? (remote ? [] : before.data),
    drainSeconds,
    userCredentials,
    sharing: input.sharing ?? sharingBefore(before, { transport, userCredentials }),
  })
  // As it would be read back: what was left out is not there.
  return RevisionSpec.parse(JSON.parse(JSON.stringify(asked)))
}

/** One that runs once for each session goes on to, unless it is called in another way; variables of users see to theirs. */
function sharingBefore(
  { sharing }: RevisionSpec,
  { transport, userCredentials }: Pick<RevisionSpec, 'transport' | 'userCredentials'>,
): RevisionSpec['sharing'] | undefined {
  if (transport !== 'stdio') return undefined
  return userCredentials.length > 0 && sharing === 'shared' ? undefined : sharing
}

function nextEnv(before: LoadedRevision['env'], asked: UpdateServer['env']): LoadedRevision['env'] {
  if (asked === undefined) return before
  const fields: Record<string, string[]> = {}
  const env: LoadedRevision['env'] = {}
  for (const [name, variable] of Object.entries(asked)) {
    const kept = before[name]
    if (!('keep' in variable)) env[name] = { value: variable.value, secret: variable.secret ?? false }
    else if (kept) env[name] = kept
    else fields[`env.${name}`] = ['The server has no such variable to keep. Give it a value.']
  }
  if (Object.keys(fields).length > 0)
    throw new AppError('BAD_REQUEST', 'variables to keep that are not there', { fields })
  return env
}

/** Names of what changed, never values: they go into the audit log. */
function changedParts(
  before: LoadedRevision,
  { spec, env, headers }: Clear & { spec: RevisionSpec },
  { sourceGiven }: { sourceGiven: boolean },
): string[] {
  // The same tag may name another image by now.
  const asksAnew = sourceGiven && before.imageDigest !== null
  const parts = (
    [
      'source',
      'catalog',
      'transport',
      'http',
      'limits',
      'data',
      'drainSeconds',
      'userCredentials',
      'sharing',
    ] as const
  ).filter((part) => !isDeepStrictEqual(before.spec[part], spec[part]) || (part === 'source' && asksAnew))
  return [
    ...parts,
    ...changedNames('env', before.env, env),
    ...changedNames('headers', before.headers, headers),
  ]
}

function changedNames(of: string, before: Record<string, unknown>, now: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)])
  const changed = [...names].filter((name) => !isDeepStrictEqual(before[name], now[name]))
  return changed.toSorted().map((name) => `${of}.${name}`)
}
