import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freePort } from '#scripts/services/ports.ts'
import { startProgram, startServer } from './lib/child.ts'
import type { Contender, Measured } from './lib/contender.ts'
import { judge, tableOf } from './lib/gateway-report.ts'
import { median, runLoad } from './lib/load.ts'
import { installPeers, startPeers, versionOf } from './lib/peers.ts'
import { machine, tell } from './lib/report.ts'
import { withStack } from './lib/stack.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Only contenders whose name has this in it. */
    only: { type: 'string' },
    /** A folder for a CPU profile of the gateway. */
    profile: { type: 'string' },
    /** Leaves the peers out, and npm with them. */
    'no-peers': { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})
const ROUNDS = options.quick ? 3 : 5
const RUN_MS = options.quick ? 700 : 2500
const CONNECTIONS = [1, 16, 64]

const program = (name: string) => fileURLToPath(new URL(`./lib/${name}`, import.meta.url))
const EVERYTHING = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
)
const say = (line: string) => void process.stderr.write(`${line}\n`)

if (!options['no-peers']) installPeers(say)

await withStack(async (stack, atEnd) => {
  const logFile = join(stack.folder, 'programs.log')
  const run = async <Ready>(args: string[]) => {
    const started = await startProgram<Ready>(args, { logFile })
    atEnd(() => started.stop())
    return started
  }
  say('Starting what is measured')
  type Place = { port: number; tlsPort: number; certificate: string }
  const upstream = await run<Place>([program('static-upstream.ts')])
  const everythingPort = await freePort()
  const everything = await startServer([EVERYTHING, 'streamableHttp'], {
    port: everythingPort,
    path: '/mcp',
    logFile,
    env: { NODE_ENV: 'production', PATH: process.env.PATH, PORT: String(everythingPort) },
  })
  atEnd(() => everything.stop())
  const http = `http://127.0.0.1:${upstream.ready.port}/mcp`
  const urls = { http, everything: `http://127.0.0.1:${everythingPort}/mcp` }
  const toolbox = await run<Omit<Place, 'tlsPort'>>([
    program('toolbox.ts'),
    'stdio=stdio',
    `http=${urls.http}`,
    `everything=${urls.everything}`,
  ])
  const tlsOrigin = `https://127.0.0.1:${upstream.ready.tlsPort}`
  const passThrough = await run<{ port: number }>([program('pass-through.ts'), new URL(http).origin])
  const passOverTls = await run<{ port: number }>([program('pass-through.ts'), tlsOrigin])
  const passEverything = await run<{ port: number }>([
    program('pass-through.ts'),
    new URL(urls.everything).origin,
  ])
  const behindToolbox = (slug: string) => ({
    slug,
    toolbox: {
      url: `https://127.0.0.1:${toolbox.ready.port}/${slug}`,
      certificate: toolbox.ready.certificate,
    },
  })
  const { agentId, token } = await stack.connect([
    { slug: 'direct', toolbox: { url: tlsOrigin, certificate: upstream.ready.certificate } },
    ...['stdio', 'http', 'everything'].map(behindToolbox),
  ])
  const profile = options.profile ? ['--cpu-prof', `--cpu-prof-dir=${options.profile}`] : []
  const gateway = await stack.startGateway({}, profile)
  const through = (slug: string) =>
    ({
      port: gateway.port,
      path: `/agents/${agentId}/mcp`,
      era: 'session',
      tool: `${slug}__echo`,
      token,
    }) as const
  const plain = (port: number) => ({ port, path: '/mcp', era: 'session', tool: 'echo' }) as const

  const contenders: Contender[] = [
    { name: 'direct', upstream: 'http', target: plain(upstream.ready.port), pids: [] },
    {
      name: 'bare pass-through',
      upstream: 'http',
      target: plain(passThrough.ready.port),
      pids: [passThrough.pid],
    },
    {
      name: 'bare pass-through, mutual TLS',
      upstream: 'http',
      target: plain(passOverTls.ready.port),
      pids: [passOverTls.pid],
    },
    { name: 'gateway', upstream: 'http', target: through('direct'), pids: [gateway.pid] },
    {
      name: 'gateway, 2026-07-28',
      upstream: 'http',
      target: { ...through('direct'), era: 'stateless' },
      pids: [gateway.pid],
    },
    {
      name: 'gateway, toolbox',
      upstream: 'http',
      target: through('http'),
      pids: [gateway.pid, toolbox.pid],
    },
    {
      name: 'gateway, toolbox, 2026-07-28',
      upstream: 'http',
      target: { ...through('http'), era: 'stateless' },
      pids: [gateway.pid, toolbox.pid],
    },
    {
      name: 'gateway, toolbox',
      upstream: 'stdio',
      target: through('stdio'),
      pids: [gateway.pid, toolbox.pid],
    },
    { name: 'direct', upstream: 'everything', target: plain(everythingPort), pids: [] },
    {
      name: 'bare pass-through',
      upstream: 'everything',
      target: plain(passEverything.ready.port),
      pids: [passEverything.pid],
    },
    {
      name: 'gateway, toolbox',
      upstream: 'everything',
      target: through('everything'),
      pids: [gateway.pid, toolbox.pid],
    },
  ]
  if (!options['no-peers']) {
    for (const peer of await startPeers(stack.folder, urls)) {
      atEnd(() => peer.stop())
      contenders.push({ ...peer, pids: [peer.pid], peer: true })
    }
  }
  const wanted = contenders.filter(({ name, upstream: over }) =>
    `${name} (${over})`.includes(options.only ?? ''),
  )
  const load = machine()
  const runs = new Map<string, Measured>()
  for (let round = 1; round <= ROUNDS; round++) {
    say(`Round ${round} of ${ROUNDS}`)
    for (const connections of CONNECTIONS) {
      for (const contender of wanted) {
        const key = `${contender.name} ${contender.upstream} ${connections}`
        const known = runs.get(key) ?? { contender, connections, results: [], failed: null }
        runs.set(key, known)
        if (known.failed !== null) continue
        try {
          const { target, pids } = contender
          known.results.push(await runLoad(target, { connections, ms: RUN_MS, pids }))
        } catch (error) {
          known.failed = (error as Error).message
          say(`${key}: ${known.failed}`)
        }
      }
    }
  }
  const measured = [...runs.values()]
  const rows = measured.map(({ contender, connections, results, failed }) => {
    const of = (pick: (result: (typeof results)[number]) => number) => median(results.map(pick))
    return {
      name: contender.name,
      upstream: contender.upstream,
      connections,
      peer: contender.peer ?? false,
      spawnsPerRequest: contender.spawnsPerRequest ?? false,
      failed,
      perSecond: of(({ perSecond }) => perSecond),
      p50: of(({ p50 }) => p50),
      p99: of(({ p99 }) => p99),
      cpuMs: of(({ cpuMs }) => cpuMs),
      memoryMb: of(({ memoryMb }) => memoryMb),
      runs: results,
    }
  })
  const [logged] = await stack.query<{ calls: number }>('SELECT count(*)::int AS calls FROM calls')
  const verdicts = judge(rows)
  tell(
    [
      `Calls of one tool through gateways, ${load.cpus} CPUs (${load.model}, load ${load.load}), Node ${load.node}`,
      `median of ${ROUNDS} interleaved runs of ${RUN_MS / 1000} s; every answer checked; one agent, one session a connection`,
      `${logged?.calls} calls stand in the log of calls`,
      `mcp-proxy ${versionOf('mcp-proxy')}, supergateway ${versionOf('supergateway')}, mcp-hub ${versionOf('mcp-hub')}`,
      '',
      ...tableOf(rows),
      '',
      ...verdicts.map(({ text, met }) => `${met ? 'met   ' : 'MISSED'} ${text}`),
    ],
    {
      bench: 'gateway',
      machine: load,
      rounds: ROUNDS,
      runMs: RUN_MS,
      loggedCalls: logged?.calls,
      rows,
      verdicts,
    },
    options.out ?? null,
  )
})
