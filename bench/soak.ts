import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startProgram } from './lib/child.ts'
import { type ClientTarget, openClient } from './lib/mcp-client.ts'
import { machine, tell } from './lib/report.ts'
import { withStack } from './lib/stack.ts'
import { usageOf } from './lib/usage.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    sessions: { type: 'string' },
    calls: { type: 'string' },
    out: { type: 'string' },
  },
})

const SESSIONS = Number(options.sessions ?? (options.quick ? 1000 : 10_000))
const CALLS = Number(options.calls ?? (options.quick ? 10_000 : 100_000))
/** Each agent may have 500 sessions, and calls for itself. */
const AGENTS = 20
const AT_ONCE = 32
/** What is unused for so long is ended: in an installation 10 minutes. */
const IDLE_MS = 2000
/** Sockets to a toolbox close when that has said to keep them no longer; here as soon as the sessions. */
const SETTLE_MS = IDLE_MS * 2 + 6000
const HEAP_SHARE = 0.1
const RSS_MB = 30

const program = (name: string) => fileURLToPath(new URL(`./lib/${name}`, import.meta.url))
const say = (line: string) => void process.stderr.write(`${line}\n`)
const mb = (bytes: number) => bytes / 1024 / 1024

interface Measure {
  heapMb: number
  rssMb: number
  processes: number
  files: number
  /** Of the toolbox beside it, which the sessions at servers are open at. */
  toolboxProcesses: number
  toolboxFiles: number
}

/** On a machine that is busy with other things the store may be late, and the gateway says to come again; nothing else is forgiven. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= 10 || !(error as Error).message.includes('STORE_UNAVAILABLE')) throw error
      await sleep(1000)
    }
  }
}

/** So many pieces of work, so many at once. */
async function inParallel(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let n = next++; n < count; n = next++) await work(n)
    }),
  )
}

await withStack(async (stack, atEnd) => {
  const logFile = join(stack.folder, 'programs.log')
  const upstream = await startProgram<{ port: number }>([program('static-upstream.ts')], { logFile })
  atEnd(() => upstream.stop())
  const http = `http=http://127.0.0.1:${upstream.ready.port}/mcp`
  const toolbox = await startProgram<{ port: number; certificate: string }>(
    [program('toolbox.ts'), 'stdio=stdio', http],
    { logFile, env: { ...process.env, KEEP_ALIVE_MS: String(IDLE_MS) } },
  )
  atEnd(() => toolbox.stop())
  const { certificate, port: toolboxPort } = toolbox.ready
  const servers = ['stdio', 'http'].map((slug) => ({
    slug,
    toolbox: { url: `https://127.0.0.1:${toolboxPort}/${slug}`, certificate },
  }))
  const agents: Awaited<ReturnType<typeof stack.connect>>[] = []
  for (let n = 0; n < AGENTS; n++) agents.push(await stack.connect(servers))
  const gateway = await stack.startGateway({ GATEWAY_IDLE_SECONDS: String(IDLE_MS / 1000) }, [
    '--expose-gc',
    `--import=${program('tell-memory.mjs')}`,
  ])
  const targetOf = (n: number, slug: string, more: Partial<ClientTarget> = {}): ClientTarget => {
    const agent = agents[n % AGENTS]
    return {
      port: gateway.port,
      path: `/agents/${agent?.agentId}/mcp`,
      era: 'session',
      ...more,
      tool: `${slug}__echo`,
      token: agent?.token ?? '',
    }
  }

  /** Sessions that are left behind: idle, with an open stream, and in the middle of a call. */
  const abandon = (count: number) =>
    inParallel(count, async (n) => {
      // Of every five, one has sessions of its own at servers, with their streams, and one is of the stateless era.
      const kind = [{ capabilities: { elicitation: {} } }, { era: 'stateless' as const }][n % 5]
      const client = await patiently(() => openClient(targetOf(n, n % 2 === 0 ? 'stdio' : 'http', kind)))
      if (n % 3 === 0) await client.listen()
      if (n % 3 === 1) void client.call().catch(() => {})
      client.abandon()
    })
  async function call(count: number): Promise<void> {
    const clients = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, n) =>
        patiently(() => openClient(targetOf(n, n % 2 === 0 ? 'stdio' : 'http'))),
      ),
    )
    let left = count
    await Promise.all(
      clients.map(async (client) => {
        while (left-- > 0) await patiently(() => client.call())
        await client.close()
      }),
    )
  }
  async function measure(): Promise<Measure> {
    await sleep(SETTLE_MS)
    const { memory } = await gateway.ask<{ memory: NodeJS.MemoryUsage }>()
    const { heapUsed, rss } = memory
    say(JSON.stringify(memory))
    const own = usageOf([gateway.pid])
    const beside = usageOf([toolbox.pid])
    return {
      heapMb: mb(heapUsed),
      rssMb: mb(rss),
      processes: own.processes,
      files: own.files,
      toolboxProcesses: beside.processes,
      toolboxFiles: beside.files,
    }
  }

  const load = machine()
  say('Warming up')
  await abandon(Math.min(SESSIONS, 500))
  await call(Math.min(CALLS, 5000))
  const start = await measure()
  const rounds: Measure[] = []
  for (let round = 1; round <= 2; round++) {
    say(`Round ${round}: ${SESSIONS} sessions`)
    await abandon(SESSIONS)
    say(`Round ${round}: ${CALLS} calls`)
    await call(CALLS)
    rounds.push(await measure())
  }
  const [first = start, second = start] = rounds
  const verdicts = [first, second].map((now, at) => {
    const before = at === 0 ? start : first
    return {
      processes: now.processes === start.processes && now.toolboxProcesses === start.toolboxProcesses,
      // A pool of connections to Postgres grows and shrinks by itself.
      files: now.files <= start.files && now.toolboxFiles <= start.toolboxFiles,
      heap: now.heapMb <= before.heapMb * (1 + HEAP_SHARE),
      rss: now.rssMb <= before.rssMb + RSS_MB,
    }
  })
  const line = (name: string, { heapMb, rssMb, ...counts }: Measure) =>
    `${name.padEnd(14)} heap ${heapMb.toFixed(1)} MiB, resident ${rssMb.toFixed(0)} MiB; gateway ${counts.processes} process, ${counts.files} files; toolbox ${counts.toolboxProcesses} processes, ${counts.toolboxFiles} files`
  const met = verdicts.every((verdict) => Object.values(verdict).every(Boolean))
  const failed = verdicts.flatMap((verdict, at) =>
    Object.entries(verdict)
      .filter(([, good]) => !good)
      .map(([name]) => `${name} after round ${at + 1}`),
  )
  tell(
    [
      `${SESSIONS} sessions left behind and ${CALLS} calls a round; ${load.cpus} CPUs (load ${load.load})`,
      line('at the start', start),
      line('after round 1', first),
      line('after round 2', second),
      met
        ? `met    processes and files as at the start, heap within ${HEAP_SHARE * 100}%, resident within ${RSS_MB} MiB, each round against the one before`
        : `MISSED ${failed.join(', ')}`,
    ],
    { bench: 'soak', machine: load, sessions: SESSIONS, calls: CALLS, start, rounds, verdicts },
    options.out ?? null,
  )
  if (!met) process.exitCode = 1
})
