import { setTimeout as sleep } from 'node:timers/promises'
import { startToolboxProcess } from '#testing/faults/toolbox-process.ts'
import { figuresOf, inWords } from './lib/figures.ts'
import { type Bench, withInstallation } from './lib/installation.ts'
import { readBenchOptions } from './lib/options.ts'
import { machine, tell } from './lib/report.ts'

/** How often one is deployed to the healthy toolbox, in each situation. */
const RUNS = 7
const ACCEPTED_AT_ONCE = 10
/** The first deployments to the frozen toolbox have then been tried, and hold all that they can hold. */
const SETTLE_MS = 3_000

const options = readBenchOptions(process.argv.slice(2), 50)

/** For a bench that is stopped before it knows of the process. */
function endAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

async function measure(bench: Bench, what: string, toolboxId: string): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < RUNS; n++) {
    const name = `${what}-${n}`
    const deployment = await bench.deploy(name, toolboxId)
    times.push(...(await bench.live([deployment])))
    await bench.remove([{ ...deployment, name }])
  }
  return times
}

await withInstallation(options.package, async (bench) => {
  const { client, say } = bench
  const local = (await client.toolboxes.list.query()).items.find(({ kind }) => kind === 'local')
  if (!local) throw new Error('There is no local toolbox.')
  const frozen = await startToolboxProcess(bench, 'frozen', (pid) => bench.atEnd(() => endAtOnce(pid)))
  bench.atEnd(() => frozen.dispose())
  say('The healthy toolbox alone')
  await measure(bench, 'warm', local.id)
  const alone = figuresOf(await measure(bench, 'alone', local.id))
  say(`${options.count} deployments to a frozen toolbox`)
  const thaw = frozen.freeze()
  bench.atEnd(thaw)
  const names = Array.from({ length: options.count }, (_, n) => `frozen-${n}`)
  const stuck: Awaited<ReturnType<Bench['deploy']>>[] = []
  // Ten at a time: it is not how fast they are accepted that is measured here.
  for (let at = 0; at < names.length; at += ACCEPTED_AT_ONCE) {
    const some = names.slice(at, at + ACCEPTED_AT_ONCE)
    stuck.push(...(await Promise.all(some.map((name) => bench.deploy(name, frozen.id)))))
  }
  await sleep(SETTLE_MS)
  const load = machine()
  const beside = figuresOf(await measure(bench, 'beside', local.id))
  const { queues } = await client.status.queues.query()
  const { breaker } = await client.toolboxes.get.query({ id: frozen.id })
  thaw()
  await bench.remove(stuck.map((one, at) => ({ ...one, name: names[at] ?? '' })))
  const ratio = Number((beside.p50 / alone.p50).toFixed(2))
  const provision = queues.find(({ name }) => name === 'provision')
  tell(
    [
      `Accepted → live on a healthy toolbox, ${load.cpus} CPUs (load ${load.load})`,
      `alone:                              ${inWords(alone)}`,
      `beside ${options.count} to a frozen toolbox:      ${inWords(beside)}`,
      `p50 beside / alone: ${ratio}`,
      `the queue then: ${provision?.waiting} waiting, ${provision?.active} active, ${provision?.delayed} between steps; breaker ${breaker ? 'open' : 'closed'}`,
    ],
    { bench: 'isolation', machine: load, frozen: options.count, alone, beside, ratioP50: ratio, provision },
    options.out,
  )
})
