import { isDeepStrictEqual } from 'node:util'
import type { UpdateAnswer, UpdateServer } from '#contracts/servers.ts'
import { recordAudit } from '#server/audit/record.ts'
import { resolveUpdate } from '#server/catalog/resolve-server.ts'
import type { UserCtx } from '#server/context.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { changeRevision, type RevisionChange } from './change-revision.ts'
import type { LoadedRevision } from './revision.ts'
import { RevisionSpec, toRevisionSpec } from './spec.ts'

/**
 * Changes a server. What it runs with makes the next revision, which is deployed beside the one that serves; description and
 * visibility hold at once and make none. Throws AppError NOT_FOUND, BAD_REQUEST, SOURCE_UNSUPPORTED, CONFLICT when
 * `baseRevision` is not the latest, DEPLOYMENT_IN_PROGRESS, TOOLBOX_NOT_ACTIVE, TOOLBOX_FULL.
 */
export async function updateServer({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: UpdateServer
}): Promise<UpdateAnswer> {
  return changeRevision(ctx, input.id, async (change) => {
    const { latest } = change
    if (input.baseRevision !== undefined && input.baseRevision !== latest.number)
      throw new AppError('CONFLICT', `revision ${input.baseRevision} is not the latest`, {
        detail: `Revision ${latest.number} was made meanwhile.`,
      })
    const { input: resolved, origin } = await resolveUpdate(change.db, latest, input)
    const spec = { ...nextSpec(latest.spec, resolved), ...(origin && { catalog: origin }) }
    const env = nextEnv(latest.env, resolved.env)
    await describe(change, ctx, input)
    if (isDeepStrictEqual(spec, latest.spec) && isDeepStrictEqual(env, latest.env))
      return { serverId: input.id, revisionNumber: latest.number, deployment: null }
    const revision = await change.write(spec, env)
    const detail = { from: latest.number, changed: changedParts(latest, spec, env) }
    const deployment = await change.deploy({ action: 'server.update', revision, detail })
    return { serverId: input.id, revisionNumber: revision.number, deployment }
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

function nextSpec(before: RevisionSpec, input: UpdateServer): RevisionSpec {
  const transport = input.transport ?? before.transport
  // The endpoint of a server that no longer listens goes with its transport.
  const http = input.http ?? (transport === 'stdio' ? undefined : (before.http ?? undefined))
  const { source, limits } = input
  const asked = toRevisionSpec({
    source: source ?? before.source,
    transport,
    http,
    limits: { ...before.limits, ...limits },
  })
  const { sharing, rollout, drainSeconds } = before
  // As it would be read back: what was left out is not there.
  return RevisionSpec.parse(JSON.parse(JSON.stringify({ ...asked, sharing, rollout, drainSeconds })))
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
function changedParts(before: LoadedRevision, spec: RevisionSpec, env: LoadedRevision['env']): string[] {
  const parts = (['source', 'catalog', 'transport', 'http', 'limits'] as const).filter(
    (part) => !isDeepStrictEqual(before.spec[part], spec[part]),
  )
  const names = new Set([...Object.keys(before.env), ...Object.keys(env)])
  const variables = [...names].filter((name) => !isDeepStrictEqual(before.env[name], env[name])).toSorted()
  return [...parts, ...variables.map((name) => `env.${name}`)]
}
