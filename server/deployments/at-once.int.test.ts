import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { asSystem, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { createDeployment } = await import('#server/deployments/create.ts')
const { cancelDeployment } = await import('#server/deployments/cancel.ts')
const { redeployServer } = await import('#server/deployments/redeploy.ts')
const { rollbackServer } = await import('#server/deployments/rollback.ts')
const { updateServer } = await import('#server/deployments/update.ts')
const want = await import('#server/mcp-servers/want.ts')
const admins = [await seedUser({ role: 'ADMIN' }), await seedUser({ role: 'ADMIN' })] as const
const toolbox = await seedToolbox({ memoryMb: 10_000_000 })

type Ctx = (typeof admins)[number]['ctx']
type Server = { id: string; name: string; deploymentId: string | null }

/** Every verb of a server's life that an admin has. */
const VERBS = {
  start: (ctx: Ctx, { id }: Server) => want.startServer({ ctx, input: { id } }),
  stop: (ctx: Ctx, { id }: Server) => want.stopServer({ ctx, input: { id } }),
  restart: (ctx: Ctx, { id }: Server) => want.restartServer({ ctx, input: { id } }),
  redeploy: (ctx: Ctx, { id }: Server) => redeployServer({ ctx, input: { id } }),
  update: (ctx: Ctx, { id }: Server) => updateServer({ ctx, input: { id, env: { A: { value: '1' } } } }),
  rollback: (ctx: Ctx, { id }: Server) => rollbackServer({ ctx, input: { id, number: 1 } }),
  delete: (ctx: Ctx, { id, name }: Server) => want.deleteServer({ ctx, input: { id, confirmName: name } }),
  cancel: (ctx: Ctx, { deploymentId }: Server) =>
    cancelDeployment({ ctx, input: { id: deploymentId ?? crypto.randomUUID() } }),
} satisfies Record<string, (ctx: Ctx, server: Server) => Promise<unknown>>
type Verb = keyof typeof VERBS
const names = Object.keys(VERBS) as Verb[]
const pairs = names.flatMap((a, at) => names.slice(at).map((b): [Verb, Verb] => [a, b]))

let made = 0
/** A server with two revisions, the second live; for those who cancel also with a deployment that goes on. */
async function serving(deploying: boolean): Promise<Server> {
  const { ctx } = admins[0]
  const name = `at-once-${++made}`
  const source = { type: 'npm' as const, package: 'some-server' }
  const first = await createDeployment({
    ctx,
    input: { name, toolboxId: toolbox.id, source, transport: 'stdio', limits: { memoryMb: 64, cpus: 0.1 } },
  })
  const id = first.serverId
  await goLive(first.deploymentId)
  const { deployment } = await updateServer({ ctx, input: { id, env: { B: { value: '2' } } } })
  await goLive(deployment?.deploymentId ?? '')
  const going = deploying ? await redeployServer({ ctx, input: { id } }) : null
  return { id, name, deploymentId: going?.deploymentId ?? null }
}

async function goLive(deploymentId: string): Promise<void> {
  await asSystem(async (db) => {
    const { serverId, revisionId } = await db.deployment.update({
      where: { id: deploymentId },
      data: { state: 'live', finishedAt: new Date() },
    })
    const of = { serverId, revisionId, toolboxId: toolbox.id, attempt: 1, fence: 1 }
    const instance = await db.instance.create({ data: { ...of, observed: 'running', accepted: true } })
    await db.mcpServer.update({
      where: { id: serverId },
      data: { liveInstanceId: instance.id, observed: 'running' },
    })
  })
}

async function outcomeOf(server: Server, answers: PromiseSettledResult<unknown>[]) {
  const [row] = await query<Record<string, unknown>>(
    database.adminUrl,
    `SELECT s.desired::text, i.desired::text AS instance,
       (SELECT count(*)::int FROM deployments d WHERE d.server_id = s.id AND d.finished_at IS NULL) AS going,
       (SELECT count(*)::int FROM deployments d WHERE d.server_id = s.id AND d.cancel_requested) AS cancelled,
       (SELECT count(*)::int FROM revisions r WHERE r.server_id = s.id) AS revisions
     FROM mcp_servers s JOIN instances i ON i.id = s.live_instance_id WHERE s.id = $1`,
    [server.id],
  )
  const said = answers.map((answer) =>
    answer.status === 'fulfilled'
      ? 'done'
      : ((answer.reason as { code?: string }).code ?? String(answer.reason)),
  )
  return { said, ...row }
}

async function auditedOf(server: Server): Promise<number> {
  const [row] = await query<{ n: number }>(
    database.adminUrl,
    `SELECT count(*)::int AS n FROM audit_entries WHERE subject_id = $1 OR detail->>'serverId' = $1`,
    [server.id],
  )
  return row?.n ?? 0
}

/** What two verbs come to one after the other; settled like promises, in the order of the pair. */
async function oneAfterTheOther(pair: [Verb, Verb], order: [0, 1] | [1, 0], deploying: boolean) {
  const server = await serving(deploying)
  const answers: PromiseSettledResult<unknown>[] = []
  for (const at of order) {
    const [answer] = await Promise.allSettled([VERBS[pair[at]](admins[at].ctx, server)])
    if (answer) answers[at] = answer
  }
  return outcomeOf(server, answers)
}

const TOLD = new Set(['done', 'CONFLICT', 'DEPLOYMENT_IN_PROGRESS', 'NOT_FOUND'])

describe('two admins at once', () => {
  it.each(pairs)(
    'who %s and %s get what one after the other would; who loses is told, and all that was done is audited',
    { timeout: 120_000 },
    async (a, b) => {
      const pair: [Verb, Verb] = [a, b]
      const deploying = pair.includes('cancel')
      const possible = [
        await oneAfterTheOther(pair, [0, 1], deploying),
        await oneAfterTheOther(pair, [1, 0], deploying),
      ]
      const server = await serving(deploying)
      const before = await auditedOf(server)
      const answers = await Promise.allSettled(
        pair.map((verb, at) => VERBS[verb]((admins[at] ?? admins[0]).ctx, server)),
      )
      const outcome = await outcomeOf(server, answers)
      expect(possible).toContainEqual(outcome)
      expect(outcome.said.filter((said) => !TOLD.has(said))).toEqual([])
      expect(outcome.said).toContain('done')
      const done = outcome.said.filter((said) => said === 'done').length
      // Of two that cancel the second finds it done.
      expect((await auditedOf(server)) - before).toBe(a === 'cancel' && b === 'cancel' ? 1 : done)
    },
  )

  it.each(['start', 'stop', 'restart', 'delete'] as const)('who %s twice get the same', async (verb) => {
    const server = await serving(false)
    await VERBS[verb](admins[0].ctx, server)
    const once = await outcomeOf(server, [])
    await VERBS[verb](admins[1].ctx, server)
    expect(await outcomeOf(server, [])).toEqual(once)
  })
})
