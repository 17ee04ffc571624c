import { Upgrade } from '#contracts/toolboxes.ts'
import { systemCtx } from '#server/context.ts'
import { Prisma } from '#server/db/generated/client.ts'
import { withActor } from '#server/db/with-actor.ts'
import { putAgent, type ToolboxAddress } from '#server/dtma/client.ts'
import { DtmaError } from '#server/dtma/errors.ts'
import { logger } from '#server/logger.ts'
import { saveUpgrade } from './upgrade.ts'

/** An agent that has not said within this time what came of its upgrade is not waited for. */
const GIVE_UP_MS = 5 * 60_000

const actor = systemCtx('upgrade').actor

/** Tells the agents that shall run another build, all at once, and gives up on those that never said how it went. */
export async function sendUpgrades(): Promise<void> {
  const rows = await withActor(actor, (db) =>
    db.toolbox.findMany({
      where: { deletedAt: null, upgrade: { not: Prisma.DbNull } },
      select: { id: true, state: true, url: true, certificate: true, upgrade: true },
    }),
  )
  await Promise.all(
    rows.map(async ({ id, state, url, certificate, upgrade }) => {
      const { data: wanted } = Upgrade.safeParse(upgrade)
      if (!wanted || wanted.state === 'failed') return
      if (Date.now() - Date.parse(wanted.requestedAt) > GIVE_UP_MS)
        return save(id, wanted, 'failed', 'The agent has not said in time what came of it.')
      const reachable = state === 'active' || state === 'draining'
      if (wanted.state === 'requested' && reachable && url && certificate)
        await send({ id, url, certificate }, wanted)
    }),
  )
}

async function send(toolbox: ToolboxAddress, wanted: Upgrade): Promise<void> {
  try {
    const { upgrade } = await putAgent(toolbox, { version: wanted.version, build: wanted.build })
    if (upgrade?.build === wanted.build) await save(toolbox.id, wanted, upgrade.state, upgrade.detail)
  } catch (error) {
    if (!(error instanceof DtmaError)) throw error
    logger.info({ toolboxId: toolbox.id, code: error.code }, 'upgrade not sent yet')
    // Away for now, or busy restarting: the next turn tries again.
    if (error.code === 'TOOLBOX_REFUSED') await save(toolbox.id, wanted, 'failed', error.message)
  }
}

/** Unless somebody asked anew, or the agent said more, meanwhile. */
async function save(
  toolboxId: string,
  wanted: Upgrade,
  state: Upgrade['state'],
  detail: string | null,
): Promise<void> {
  await withActor(actor, async (db) => {
    await db.$queryRaw`SELECT id FROM toolboxes WHERE id = ${toolboxId}::uuid FOR NO KEY UPDATE`
    const row = await db.toolbox.findUniqueOrThrow({ where: { id: toolboxId }, select: { upgrade: true } })
    const { data: now } = Upgrade.safeParse(row.upgrade)
    if (now?.requestedAt !== wanted.requestedAt || now.state !== wanted.state) return
    await saveUpgrade(db, toolboxId, { ...wanted, state, detail })
  })
}
