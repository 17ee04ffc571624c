import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import { createIdentity } from '#protocol/identity.ts'
import { sendRaw } from '#testing/agent-requests.ts'
import { asSystem, HOST, type TestUser } from '#testing/seeded.ts'
import type { SimulatedDroplet } from './shapes.ts'
import type { Simulator } from './simulator.ts'

/** Lease, settling and every wait are shorter than this. */
const LONG_MS = 40_000
const MOST_STEPS = 120
/** Steps of the saga that an agent's installation lasts. */
const STEPS_TO_INSTALL = 4

export interface DropletRun {
  id: string
  /** Steps that were taken, by anybody. */
  steps: number
  /** One step, as a worker takes it. A worker whose request is held counts as dead: it is left where it is. */
  step(this: void): Promise<'done' | 'died' | { again: number }>
  /** Takes steps until nothing is left to do; time passes as fast as it is waited for. */
  finish(this: void): Promise<void>
  /** As if so much time had gone by for this droplet. */
  pass(this: void, milliseconds: number): Promise<void>
  /** Lets the dead go on; resolves when they have ended. */
  revive(this: void, options: { tooLate: boolean }): Promise<void>
  look(this: void): Promise<{
    state: string
    failure: string | null
    step: string
    dropletId: number | null
    attempt: number
  }>
}

/** A droplet toolbox that is asked for, with its steps taken by hand. */
export async function startDropletRun(
  simulator: Simulator,
  admin: TestUser,
  options: { name: string; enrols?: boolean; afterStep?: (run: DropletRun) => Promise<void> },
): Promise<DropletRun> {
  const { createDropletToolbox } = await import('#server/toolboxes/droplets/create-droplet.ts')
  const input = {
    kind: 'droplet' as const,
    name: options.name,
    region: 'fra1',
    size: 's-1vcpu-1gb',
    image: 'ubuntu-24-04-x64',
  }
  const { toolbox } = await createDropletToolbox({ ctx: admin.ctx, input })
  return followDroplet(simulator, toolbox.id, options)
}

export async function followDroplet(
  simulator: Simulator,
  id: string,
  options: { enrols?: boolean; afterStep?: (run: DropletRun) => Promise<void> } = {},
): Promise<DropletRun> {
  const { advanceDroplet } = await import('#server/toolboxes/droplets/advance.ts')
  const { sweepDroplets } = await import('#server/toolboxes/droplets/sweep.ts')
  const { redis, redisKey } = await import('#server/redis.ts')
  const dead: Promise<unknown>[] = []
  const agents = new Map<number, { steps: number; enrolled: boolean }>()

  const run: DropletRun = {
    id,
    steps: 0,
    async step() {
      run.steps++
      const held = simulator.faults.held()
      const step = advanceDroplet({ toolboxId: id })
      const watch = new AbortController()
      const outcome = await Promise.race([step, died(simulator, held, watch.signal)])
      watch.abort()
      if (outcome === 'died') dead.push(step.catch(() => undefined))
      if (options.enrols !== false) await enrolBooted(simulator, id, agents)
      await options.afterStep?.(run)
      return outcome
    },
    async finish() {
      while (run.steps < MOST_STEPS) {
        const outcome = await run.step()
        if (outcome === 'done') return
        await run.pass(outcome === 'died' ? LONG_MS : outcome.again)
        await sweepDroplets()
      }
      throw new Error(`No end after ${MOST_STEPS} steps: ${JSON.stringify(await run.look())}`)
    },
    async pass(milliseconds) {
      await redis().del(redisKey('cloud') + ':digitalocean')
      await asSystem(
        (
          db,
        ) => db.$executeRaw`UPDATE droplets SET due_at = due_at - d, lease_expires_at = lease_expires_at - d,
          sent_at = sent_at - d, firewall_sent_at = firewall_sent_at - d, deadline_at = deadline_at - d
          FROM (SELECT make_interval(secs => ${(milliseconds + 100) / 1000}) AS d) x WHERE toolbox_id = ${id}::uuid`,
      )
    },
    async revive({ tooLate }) {
      if (tooLate) await Promise.all(dead)
      simulator.faults.letGo()
      await Promise.all(dead)
    },
    async look() {
      const row = await asSystem((db) =>
        db.droplet.findUniqueOrThrow({ where: { toolboxId: id }, include: { toolbox: true } }),
      )
      return {
        state: row.toolbox.state,
        failure: (row.toolbox.failure as { code: string } | null)?.code ?? null,
        step: row.step,
        dropletId: row.dropletId === null ? null : Number(row.dropletId),
        attempt: row.attempt,
      }
    },
  }
  return run
}

/** Resolves once another request is held; never, when the step ends before. */
async function died(simulator: Simulator, before: number, signal: AbortSignal): Promise<'died'> {
  while (simulator.faults.held() <= before) {
    await sleep(10)
    if (signal.aborted) return new Promise(() => undefined)
  }
  return 'died'
}

/** What the agent of a booted droplet does: enrols with the token it was given, and is reached. Refusals are tried again later. */
async function enrolBooted(
  simulator: Simulator,
  id: string,
  agents: Map<number, { steps: number; enrolled: boolean }>,
): Promise<void> {
  const { recordDialBack } = await import('#server/toolboxes/verify.ts')
  for (const droplet of simulator.droplets.values()) {
    if (droplet.name !== `tb-${id}` || droplet.ipv4 === null) continue
    const agent = agents.get(droplet.id) ?? { steps: 0, enrolled: false }
    agents.set(droplet.id, agent)
    if (agent.enrolled || ++agent.steps < STEPS_TO_INSTALL) continue
    const identity = await createIdentity('agent')
    const url = `https://${droplet.ipv4}:7443`
    const { status } = await sendRaw('/api/dtma/enroll', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        token: fileOf(droplet, 'token'),
        certificate: identity.certificate,
        advertisedUrl: url,
        agentVersion: '0.1.0',
        protocolVersions: [1],
        driver: 'docker',
        isolation: 'container',
        host: HOST,
      }),
    })
    if (status !== 200) continue
    agent.enrolled = true
    const toolbox = { id, url, certificate: identity.certificate }
    await recordDialBack({ toolbox, identity: 'worker', ok: true })
    await recordDialBack({ toolbox, identity: 'gateway', ok: true })
  }
}

/** Content of a file that cloud-init would write on the droplet. */
export function fileOf(droplet: SimulatedDroplet, name: string): string {
  const data = parse(droplet.userData) as { write_files: { path: string; content: string }[] }
  return data.write_files.find(({ path }) => path === `/etc/toolberth/${name}`)?.content.trim() ?? ''
}
