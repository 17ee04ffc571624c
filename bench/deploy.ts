import { performance } from 'node:perf_hooks'
import { figuresOf, inWords, seconds } from './lib/figures.ts'
import { type Bench, withInstallation } from './lib/installation.ts'
import { memoryOf } from './lib/memory.ts'
import { readBenchOptions } from './lib/options.ts'
import { machine, tell } from './lib/report.ts'

/** How often one is deployed alone, for comparison. */
const ALONE = 5

const options = readBenchOptions(process.argv.slice(2), 20)

/** Instances that are not gone, beyond one for each server: the same server started twice. */
async function doubles({ rows }: Bench): Promise<number> {
  const [row] = await rows<{ n: number }>(
    'SELECT (count(*) - count(DISTINCT server_id))::int AS n FROM instances WHERE gone_at IS NULL',
  )
  return row?.n ?? 0
}

async function alone(bench: Bench, name: string): Promise<number> {
  const deployment = await bench.deploy(name)
  const [ms = 0] = await bench.live([deployment])
  await bench.remove([{ ...deployment, name }])
  return ms
}

await withInstallation(options.package, async (bench) => {
  const { toolberth, say } = bench
  say('Filling the package cache')
  const cold = await alone(bench, 'cold')
  say('One alone, several times')
  const single: number[] = []
  for (let n = 0; n < ALONE; n++) single.push(await alone(bench, `alone-${n}`))
  const before = memoryOf(toolberth.pids())

  say(`${options.count} at once`)
  const load = machine()
  const startedAt = performance.now()
  const names = Array.from({ length: options.count }, (_, n) => `bench-${n}`)
  const accepted = await Promise.all(names.map((name) => bench.deploy(name)))
  const acceptedMs = performance.now() - startedAt
  const together = await bench.live(accepted)
  const totalMs = performance.now() - startedAt
  const twice = await doubles(bench)
  const after = memoryOf(toolberth.pids())
  await bench.remove(accepted.map((one, at) => ({ ...one, name: names[at] ?? '' })))

  const [one, many] = [figuresOf(single), figuresOf(together)]
  const result = {
    bench: 'deploy',
    machine: load,
    package: options.package ?? 'plain-server (without dependencies)',
    driver: 'process',
    coldMs: Math.round(cold),
    alone: one,
    atOnce: { ...many, asked: options.count, live: together.length, twice, totalMs: Math.round(totalMs) },
    acceptedAllMs: Math.round(acceptedMs),
    ratioP50: Number((many.p50 / one.p50).toFixed(2)),
    memoryMb: { before, after },
  }
  const memory = Object.keys(after).map((name) => `${name} ${before[name] ?? 0} → ${after[name]} MiB`)
  tell(
    [
      `${result.package} on ${load.cpus} CPUs (load ${load.load}), process driver, accepted → live`,
      `first, cold cache:  ${seconds(cold)}`,
      `one alone:          ${inWords(one)}`,
      `${String(options.count).padStart(2)} at once:         ${inWords(many)}`,
      `                    ${together.length} live, ${twice} started twice; all accepted in ${seconds(acceptedMs)}, all live in ${seconds(totalMs)}`,
      `p50 at once / alone: ${result.ratioP50}`,
      `memory, with ${options.count} more servers: ${memory.join(', ')}`,
    ],
    result,
    options.out,
  )
  if (twice > 0) process.exitCode = 1
})
