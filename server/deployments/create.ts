import { randomUUID } from 'node:crypto'
import type { DeployAnswer } from '#contracts/deployments.ts'
import type { DeployServer } from '#contracts/servers.ts'
import { recordAudit } from '#server/audit/record.ts'
import { resolveDeploy } from '#server/catalog/resolve-server.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError, isUniqueViolation } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { chooseToolbox } from '#server/toolboxes/choose.ts'
import { inTurn } from './in-turn.ts'
import { queueDeployment } from './queue.ts'
import { headersOf } from './remote-source.ts'
import { writeRevision } from './revision.ts'
import { needsOf, type RevisionSpec, sourceKeyOf, toRevisionSpec } from './spec.ts'

/**
 * Accepts a new server and its first deployment: one transaction writes server, grants, revision, encrypted env, deployment,
 * outbox row, events and audit entry; any throw leaves no row. Answers at once; the provision worker does the rest.
 * Throws AppError NAME_TAKEN, TOOLBOX_…, NO_TOOLBOX_AVAILABLE, SOURCE_UNSUPPORTED, BAD_REQUEST.
 */
export async function createDeployment({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: DeployServer
}): Promise<DeployAnswer> {
  const { input: resolved, origin } = await resolveDeploy(ctx, input)
  const spec = { ...toRevisionSpec(resolved), ...(origin && { catalog: origin }) }
  try {
    return await inTurn(() => withActor(ctx.actor, (db) => writeDeployment(db, ctx, resolved, spec)))
  } catch (error) {
    if (isUniqueViolation(error, 'mcp_servers_name_unique'))
      throw new AppError('NAME_TAKEN', `server ${input.name} exists`, {
        fields: { name: [`There is a server named "${input.name}" already.`] },
        cause: error,
      })
    throw error
  }
}

async function writeDeployment(
  db: Db,
  ctx: UserCtx,
  input: DeployServer,
  spec: RevisionSpec,
): Promise<DeployAnswer> {
  const toolboxId = await chooseToolbox(db, input.toolboxId, needsOf(spec))
  const sourceKey = sourceKeyOf(spec)
  const serverId = randomUUID()
  await db.mcpServer.create({
    data: {
      id: serverId,
      name: input.name,
      description: input.description ?? null,
      visibility: input.visibility ?? 'everyone',
      toolboxId,
    },
  })
  await writeGrants(db, serverId, input.grants ?? [])
  await emit(db, {
    type: 'server.created',
    subjectId: serverId,
    serverId,
    audience: { server: serverId },
    data: { name: input.name, state: 'deploying' },
  })
  const revisionId = await writeRevision(db, serverId, 1, spec, {
    env: input.env ?? {},
    headers: headersOf(input.source),
  })
  const deployment = await queueDeployment(db, ctx, { serverId, revisionId, sourceKey })
  await recordAudit(db, ctx, {
    action: 'server.deploy',
    subjectType: 'server',
    subjectId: serverId,
    detail: {
      name: input.name,
      toolboxId,
      source: sourceKey,
      transport: spec.transport,
      ...(spec.catalog && { catalog: `${spec.catalog.slug}@${spec.catalog.version}` }),
      env: Object.keys(input.env ?? {}),
      userCredentials: spec.userCredentials.map(({ name }) => name),
    },
  })
  return deployment
}

async function writeGrants(db: Db, serverId: string, userIds: readonly string[]): Promise<void> {
  if (userIds.length === 0) return
  const unique = [...new Set(userIds)]
  const known = await db.user.count({ where: { id: { in: unique } } })
  if (known !== unique.length)
    throw new AppError('BAD_REQUEST', 'unknown user in grants', {
      fields: { grants: ['One of the users does not exist.'] },
    })
  await db.serverGrant.createMany({ data: unique.map((userId) => ({ serverId, userId })) })
}
