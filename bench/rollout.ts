import { setTimeout as sleep } from 'node:timers/promises'
import { startLoad } from '#testing/load.ts'
import { FIXTURE_SCOPE } from '#testing/npm-registry.ts'
import { figuresOf, inWords } from './lib/figures.ts'
import { type Bench, withInstallation } from './lib/installation.ts'
import { readBenchOptions } from './lib/options.ts'
import { machine, tell } from './lib/report.ts'

/** Before a rollout begins, and after it: the gateway looks for what changed every 400 ms, and drains end. */
const BEFORE_MS = 2_000
const AFTER_MS = 5_000
/** Short, so that calls also go on while the old instance goes. */
const DRAIN_SECONDS = 3
const NAME = 'rolled'

const options = readBenchOptions(process.argv.slice(2), 60)

type Step = { name: string; ends: string; roll: () => Promise<string> }

/** How the deployment ended, by the rows. */
async function ended({ rows }: Bench, deploymentId: string): Promise<string> {
  for (;;) {
    const [row] = await rows<{ state: string }>(
      'SELECT state::text FROM deployments WHERE id = $1 AND finished_at IS NOT NULL',
      [deploymentId],
    )
    if (row) return row.state
    await sleep(100)
  }
}

await withInstallation(options.package, async (bench) => {
  const { client, say } = bench
  const load = machine()
  const { serverId, deploymentId } = await bench.deploy(NAME)
  await bench.live([{ deploymentId }])
  const agent = await client.agents.create.mutate({ name: 'load' })
  await client.connections.create.mutate({ agentId: agent.id, serverId })
  const update = async (input: object) => {
    const { deployment } = await client.servers.update.mutate({ id: serverId, ...input })
    return deployment?.deploymentId ?? ''
  }
  const steps: Step[] = [
    {
      name: 'rollout that goes live',
      ends: 'live',
      roll: () => update({ env: { GREETING: { value: 'hello' } }, drainSeconds: DRAIN_SECONDS }),
    },
    {
      name: 'automatic rollback',
      ends: 'rolled_back',
      roll: () => update({ source: { type: 'npm', package: `${FIXTURE_SCOPE}/no-such-package` } }),
    },
    {
      name: 'rollback by an admin',
      ends: 'live',
      roll: async () => (await client.servers.rollback.mutate({ id: serverId, number: 1 })).deploymentId,
    },
  ]
  const results = []
  for (const { name, ends, roll } of steps) {
    say(name)
    const calls = await startLoad(agent, options.count)
    await sleep(BEFORE_MS)
    const state = await ended(bench, await roll())
    await sleep(AFTER_MS)
    const { rate, failed, times } = await calls.stop()
    results.push({
      name,
      state,
      ends,
      rate: Math.round(rate),
      failed: failed.length,
      times: figuresOf(times),
    })
    if (failed.length > 0) say(String(failed[0]))
  }
  await bench.remove([{ serverId, name: NAME }])
  tell(
    [
      `Calls through the gateway during rollouts on ${load.cpus} CPUs (load ${load.load}), asked for ${options.count} a second`,
      ...results.map(
        ({ name, state, rate, failed, times }) =>
          `${name.padEnd(24)} ${state}: ${times.count + failed} calls, ${rate}/s, ${failed} failed; ${inWords(times)}`,
      ),
    ],
    { bench: 'rollout', machine: load, asked: options.count, results },
    options.out,
  )
  if (results.some(({ failed, state, ends }) => failed > 0 || state !== ends)) process.exitCode = 1
})
