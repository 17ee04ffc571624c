import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startProgram } from './lib/child.ts'
import { median } from './lib/load.ts'
import { type McpClient, openClient } from './lib/mcp-client.ts'
import { machine, tell } from './lib/report.ts'
import { type BenchServer, withStack } from './lib/stack.ts'

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } },
})

/** How many servers answer; beside them one answers after 10 s and one is not there. */
const HEALTHY = 18
const ROUNDS = options.quick ? 3 : 5
const RUN_MS = options.quick ? 1500 : 4000
/** Callers that call the healthy servers by turns. */
const CALLERS = 9
/** Callers of the slow and of the dead one, so that they are always being called. */
const CALLERS_OF_BAD = 2
const LIST_MS = 300

const program = (name: string) => fileURLToPath(new URL(`./lib/${name}`, import.meta.url))
const say = (line: string) => void process.stderr.write(`${line}\n`)

function p99(times: number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(0.99 * sorted.length) - 1)] ?? 0
}

await withStack(async (stack, atEnd) => {
  type Place = { tlsPort: number; certificate: string }
  const start = async () => {
    const started = await startProgram<Place>([program('static-upstream.ts')], {
      logFile: join(stack.folder, 'programs.log'),
    })
    atEnd(() => started.stop())
    return started
  }
  const upstream = await start()
  const { certificate, tlsPort } = upstream.ready
  const at = (slug: string, path = ''): BenchServer => ({
    slug,
    toolbox: { url: `https://127.0.0.1:${tlsPort}${path}`, certificate },
  })
  const healthy = Array.from({ length: HEALTHY }, (_, n) => at(`server-${n}`))
  // Nothing listens at port 1, and who answers at `slow` takes ten seconds.
  const dead: BenchServer = { slug: 'dead', toolbox: { url: 'https://127.0.0.1:1', certificate } }
  const alone = await stack.connect(healthy)
  const beside = await stack.connect([...healthy, at('slow', '/slow'), dead])
  const gateway = await stack.startGateway()
  const open = (agent: typeof alone, slug: string): Promise<McpClient> =>
    openClient({
      port: gateway.port,
      path: `/agents/${agent.agentId}/mcp`,
      era: 'session',
      tool: `${slug}__echo`,
      token: agent.token,
    })

  /** Milliseconds of calls to the healthy servers, while others call the two that are not (where the agent has them). */
  async function run(agent: typeof alone, bad: readonly string[]): Promise<{ times: number[]; bad: number }> {
    const clients = await Promise.all(healthy.map(({ slug }) => open(agent, slug)))
    for (const client of clients) await client.call()
    const until = performance.now() + RUN_MS
    let badCalls = 0
    const stopped = new AbortController()
    const disturbing = bad.flatMap((slug) =>
      Array.from({ length: CALLERS_OF_BAD }, async () => {
        const client = await open(agent, slug)
        stopped.signal.addEventListener('abort', () => client.abandon())
        while (!stopped.signal.aborted) {
          badCalls++
          await client.call().catch(() => new Promise((resolve) => setTimeout(resolve, 50)))
        }
      }),
    )
    const times: number[] = []
    await Promise.all(
      Array.from({ length: CALLERS }, async (_, caller) => {
        for (let turn = caller; performance.now() < until; turn += CALLERS) {
          const startedAt = performance.now()
          await clients[turn % HEALTHY]?.call()
          times.push(performance.now() - startedAt)
        }
      }),
    )
    stopped.abort()
    await Promise.all(disturbing)
    await Promise.all(clients.map((client) => client.close()))
    return { times, bad: badCalls }
  }

  const load = machine()
  say('Warming up')
  await run(alone, [])
  await run(beside, ['slow', 'dead'])
  const rounds = []
  for (let round = 1; round <= ROUNDS; round++) {
    say(`Round ${round} of ${ROUNDS}`)
    const without = await run(alone, [])
    const withBad = await run(beside, ['slow', 'dead'])
    const lister = await open(beside, 'server-0')
    const startedAt = performance.now()
    const list = await lister.list()
    const listMs = performance.now() - startedAt
    await lister.close()
    rounds.push({
      withoutP99: p99(without.times),
      withP99: p99(withBad.times),
      calls: without.times.length + withBad.times.length,
      badCalls: withBad.bad,
      listMs,
      tools: (list.tools as unknown[]).length,
      marks: marksOf(list),
    })
  }
  const without = median(rounds.map(({ withoutP99 }) => withoutP99))
  const withBad = median(rounds.map(({ withP99 }) => withP99))
  const listMs = Math.max(...rounds.map((round) => round.listMs))
  const limit = without * 1.1 + 5
  const marked = rounds.every(({ marks }) => marks.includes('slow') && marks.includes('dead'))
  const listed = rounds.every(({ tools }) => tools >= HEALTHY)
  const word = (met: boolean) => (met ? 'met   ' : 'MISSED')
  tell(
    [
      `${HEALTHY} servers that answer, beside one that takes 10 s and one that is dead; ${load.cpus} CPUs (load ${load.load})`,
      `median of ${ROUNDS} interleaved runs of ${RUN_MS / 1000} s, ${CALLERS} callers`,
      `p99 without the two: ${without.toFixed(1)} ms; with them: ${withBad.toFixed(1)} ms`,
      `${word(withBad <= limit)} p99 at most ${limit.toFixed(1)} ms (1.1 × + 5 ms)`,
      `${word(listMs <= LIST_MS && listed)} slowest tools/list ${listMs.toFixed(0)} ms with ${rounds[0]?.tools} tools (at most ${LIST_MS} ms, all ${HEALTHY})`,
      `${word(marked)} both are marked in the list: ${rounds[0]?.marks.join(', ') || 'none'}`,
    ],
    { bench: 'backends', machine: load, rounds, without, with: withBad, limit, listMs, marked },
    options.out ?? null,
  )
  if (withBad > limit || listMs > LIST_MS || !marked || !listed) process.exitCode = 1
})

/** The connections that a list says are not fresh. */
function marksOf(list: Record<string, unknown>): string[] {
  const meta = list._meta as Record<string, object> | undefined
  return Object.keys(meta?.['toolberth/backends'] ?? {})
}
