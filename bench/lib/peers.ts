import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '#scripts/services/ports.ts'
import { type Child, startServer } from './child.ts'
import type { ClientTarget } from './mcp-client.ts'

const FOLDER = fileURLToPath(new URL('../peers/', import.meta.url))
const STDIO = fileURLToPath(new URL('./static-stdio.mjs', import.meta.url))

/** Another gateway from npm, over one kind of upstream. */
export interface Peer extends Child {
  name: string
  upstream: 'stdio' | 'http' | 'everything'
  target: ClientTarget
  /** Starts a process for each request: told, not compared. */
  spawnsPerRequest: boolean
}

/** Installs the peers into a folder of the bench's own, once. Scripts of packages do not run. */
export function installPeers(say: (line: string) => void): void {
  const wanted = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')).dependencies
  const missing = Object.entries(wanted).some(([name, version]) => versionOf(name) !== version)
  if (!missing) return
  say('Installing the peers from npm')
  const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts']
  execFileSync('npm', args, { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 })
}

export function versionOf(name: string): string | null {
  const file = join(FOLDER, 'node_modules', name, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : null
}

/** Starts each peer as its own documentation says, over the upstreams that it can have. `urls` are of servers that run. */
export async function startPeers(
  folder: string,
  urls: { http: string; everything: string },
): Promise<Peer[]> {
  const bin = (name: string, path: string) => join(FOLDER, 'node_modules', name, path)
  const start = async (
    name: string,
    args: (port: number) => string[],
    rest: Pick<Peer, 'upstream'> & Partial<Peer> & { era?: ClientTarget['era']; tool?: string },
  ): Promise<Peer> => {
    const port = await freePort()
    const { era = 'session', tool = 'echo', ...peer } = rest
    const child = await startServer(args(port), { port, logFile: join(folder, `${name}.log`) })
    return {
      spawnsPerRequest: false,
      name,
      ...peer,
      target: { port, path: '/mcp', era, tool },
      ...child,
    }
  }
  const hub = (server: string, upstream: Peer['upstream'], config: object) => {
    const file = join(folder, `hub-${upstream}.json`)
    writeFileSync(file, JSON.stringify({ mcpServers: { [server]: config } }))
    return start(
      'mcp-hub',
      (port) => [bin('mcp-hub', 'dist/cli.js'), '--port', `${port}`, '--config', file],
      {
        upstream,
        era: 'sse',
        tool: `${server}__echo`,
      },
    )
  }
  const gateway = (stateful: boolean) => (port: number) => [
    bin('supergateway', 'dist/index.js'),
    ...[
      '--stdio',
      `${process.execPath} ${STDIO}`,
      '--outputTransport',
      'streamableHttp',
      '--port',
      `${port}`,
    ],
    ...['--logLevel', 'none', ...(stateful ? ['--stateful'] : [])],
  ]
  return Promise.all([
    start(
      'mcp-proxy',
      (port) => [
        bin('mcp-proxy', 'dist/bin/mcp-proxy.mjs'),
        ...['--host', '127.0.0.1', '--port', `${port}`, '--', process.execPath, STDIO],
      ],
      { upstream: 'stdio' },
    ),
    start('supergateway --stateful', gateway(true), { upstream: 'stdio' }),
    start('supergateway', gateway(false), { upstream: 'stdio', spawnsPerRequest: true }),
    hub('static', 'stdio', { command: process.execPath, args: [STDIO] }),
    hub('static', 'http', { type: 'streamable-http', url: urls.http }),
    hub('everything', 'everything', { type: 'streamable-http', url: urls.everything }),
  ])
}
