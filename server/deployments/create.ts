import { randomUUID } from 'node:crypto'
import type { DeployAnswer, DeployServer } from '#contracts/servers.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError, isUniqueViolation } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { enqueue } from '#server/queues/enqueue.ts'
import { seal } from '#server/secrets/envelope.ts'
import { masterKey } from '#server/secrets/keyring.ts'
import { chooseToolbox } from '#server/toolboxes/choose.ts'
import { estimateMs } from './estimate.ts'
import { envPlace, type RevisionSpec, sourceKeyOf, toRevisionSpec } from './spec.ts'
import { announce, notePhase } from './transition.ts'

/** From accepted to live at most; a cold install of a large package over a slow line fits. */
export const DEPLOYMENT_DEADLINE_MS = 10 * 60_000

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
  const spec = toRevisionSpec(input)
  try {
    return await withActor(ctx.actor, (db) => writeDeployment(db, ctx, input, spec))
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
  const toolboxId = await chooseToolbox(db, input.toolboxId, spec.limits)
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
  const revisionId = await writeRevision(db, serverId, 1, spec, input.env ?? {})
  const estimate = await estimateMs(db, sourceKey)
  const now = Date.now()
  const deployment = await db.deployment.create({
    data: {
      serverId,
      revisionId,
      sourceKey,
      requestedBy: ctx.actor.userId,
      estimatedReadyAt: estimate === null ? null : new Date(now + estimate),
      deadlineAt: new Date(now + DEPLOYMENT_DEADLINE_MS),
    },
  })
  await notePhase(db, deployment.id, 'queued', null, false)
  await enqueue(db, 'provision', { deploymentId: deployment.id })
  await emit(db, {
    type: 'server.created',
    subjectId: serverId,
    serverId,
    audience: { server: serverId },
    data: { name: input.name, state: 'deploying' },
  })
  await announce(db, deployment, { state: 'queued' })
  await recordAudit(db, ctx, {
    action: 'server.deploy',
    subjectType: 'server',
    subjectId: serverId,
    detail: {
      name: input.name,
      toolboxId,
      source: sourceKey,
      transport: spec.transport,
      env: Object.keys(input.env ?? {}),
    },
  })
  return {
    serverId,
    deploymentId: deployment.id,
    status: 'queued',
    estimatedReadyAt: deployment.estimatedReadyAt?.toISOString() ?? null,
  }
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

async function writeRevision(
  db: Db,
  serverId: string,
  number: number,
  spec: RevisionSpec,
  env: NonNullable<DeployServer['env']>,
): Promise<string> {
  const revisionId = randomUUID()
  await db.revision.create({ data: { id: revisionId, serverId, number, spec } })
  const key = masterKey()
  const rows = Object.entries(env).map(([name, { value, secret }]) => ({
    revisionId,
    name,
    secret: secret ?? false,
    ciphertext: Uint8Array.from(seal(key, envPlace(revisionId, name), value)),
    keyId: key.id,
  }))
  if (rows.length > 0) await db.revisionEnv.createMany({ data: rows })
  return revisionId
}
