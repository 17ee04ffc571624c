import type { Heartbeat } from '#contracts/dtma.ts'
import { type Toolbox, Upgrade } from '#contracts/toolboxes.ts'
import { recordAudit } from '#server/audit/record.ts'
import { systemCtx, type UserCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { afterCommit, type Db, withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { hintReconcile } from '#server/reconcile/hint.ts'
import { requireAgentPackage } from './agent-package.ts'
import { fetchToolbox } from './fetch.ts'
import { fetchToolboxView } from './view.ts'

/**
 * Wants the agent of a toolbox to run the build that this installation hands out. Nothing is done when it does. Throws AppError
 * NOT_FOUND, TOOLBOX_IS_LOCAL, TOOLBOX_NOT_UPGRADABLE, TOOLBOX_STATE_FORBIDS, AGENT_NOT_PACKED.
 */
export async function upgradeToolbox({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<Toolbox> {
  const before = await withActor(ctx.actor, (db) => fetchToolbox(db, input.id))
  if (before.kind === 'local') throw new AppError('TOOLBOX_IS_LOCAL', before.id)
  const ours = await requireAgentPackage()
  await withActor(ctx.actor, async (db) => {
    const toolbox = await fetchToolbox(db, input.id, { lock: true })
    if (toolbox.agentBuild === null) throw new AppError('TOOLBOX_NOT_UPGRADABLE', toolbox.id)
    if (toolbox.agentBuild === ours.sha256) return
    if (toolbox.state !== 'active' && toolbox.state !== 'draining')
      throw new AppError('TOOLBOX_STATE_FORBIDS', `${toolbox.name} is ${toolbox.state}`, {
        detail: `${toolbox.name} is ${toolbox.state}.`,
      })
    await saveUpgrade(db, toolbox.id, {
      build: ours.sha256,
      version: ours.version,
      state: 'requested',
      detail: null,
      requestedAt: new Date().toISOString(),
    })
    await recordAudit(db, ctx, {
      action: 'toolbox.upgrade',
      subjectType: 'toolbox',
      subjectId: toolbox.id,
      detail: { name: toolbox.name, from: toolbox.agentVersion, to: ours.version, build: ours.sha256 },
    })
    afterCommit(hintReconcile)
  })
  return fetchToolboxView(ctx.actor, input.id)
}

/** Lets the upgrade that was asked for follow what the agent says: it runs the new build, or how far it is. */
export async function followUpgrade(
  db: Db,
  toolboxId: string,
  beat: Pick<Heartbeat, 'agentBuild' | 'agentVersion' | 'upgrade'>,
): Promise<void> {
  const row = await db.toolbox.findUniqueOrThrow({ where: { id: toolboxId }, select: { upgrade: true } })
  const { data: wanted } = Upgrade.safeParse(row.upgrade)
  if (!wanted) return
  if (beat.agentBuild === wanted.build) {
    await saveUpgrade(db, toolboxId, null)
    await recordAudit(db, systemCtx('heartbeat'), {
      action: 'toolbox.upgraded',
      subjectType: 'toolbox',
      subjectId: toolboxId,
      detail: { version: beat.agentVersion, build: wanted.build },
    })
    return
  }
  const { upgrade } = beat
  // One that failed before is still being said when it is asked for again.
  if (upgrade?.build !== wanted.build || wanted.state === 'requested' || wanted.state === 'failed') return
  if (upgrade.state === wanted.state && upgrade.detail === wanted.detail) return
  await saveUpgrade(db, toolboxId, { ...wanted, state: upgrade.state, detail: upgrade.detail })
}

export async function saveUpgrade(db: Db, toolboxId: string, upgrade: Upgrade | null): Promise<void> {
  const { state } = await db.toolbox.update({
    where: { id: toolboxId },
    data: { upgrade: upgrade ?? Prisma.DbNull },
    select: { state: true },
  })
  await emit(db, {
    type: 'toolbox.updated',
    subjectId: toolboxId,
    toolboxId,
    audience: ['admins'],
    data: { state, ...(upgrade && { upgrade: upgrade.state }) },
  })
}
