import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { type Agent, fetch as undiciFetch } from 'undici'
import { inject } from 'vitest'
import type { PutInstance } from '#contracts/dtma.ts'
import { type InstanceSpec, InstanceStatus } from '#contracts/instances.ts'
import type { Identity } from '#protocol/identity.ts'
import { createPinnedDispatcher } from '#protocol/pinned-dispatcher.ts'
import type { ControlPlaneStandIn } from './control-plane-stand-in.ts'
import { noteProcess } from './run-folder.ts'

const ENTRY = fileURLToPath(new URL('../dtma/index.ts', import.meta.url))

export type AgentProcess = {
  url: string
  home: string
  pid(): number
  /** Everything it wrote to its standard output and error. */
  output(): string
  start(): Promise<void>
  /** Puts the control plane's present enrolment token where the agent reads it. */
  writeToken(): Promise<void>
  /** SIGTERM and the exit code; SIGKILL gives null. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
  call(
    method: string,
    path: string,
    options?: { as?: Identity; body?: unknown; headers?: Record<string, string> },
  ): Promise<{ status: number; body: unknown }>
  /** The answer to a GET as it comes, for one that goes on. */
  open(path: string): Promise<Response>
  put(id: string, put: PutInstance): Promise<{ status: number; body: unknown }>
  status(id: string): Promise<InstanceStatus>
  /** Polls until the instance is in one of the states. */
  until(id: string, states: InstanceStatus['state'][], timeoutMs?: number): Promise<InstanceStatus>
  /** `client` where it shall declare capabilities; `headers` as the gateway sends them along. */
  connect(id: string, as?: Identity, client?: Client, headers?: Record<string, string>): Promise<Client>
  /** Ends the process, its servers, and deletes the home. */
  dispose(): Promise<void>
}

/** A real agent in a process of its own, with a fresh home that servers' users can reach. */
export async function createAgentProcess(
  controlPlane: ControlPlaneStandIn,
  environment: Record<string, string> = {},
): Promise<AgentProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'toolberth-dtma-'))
  await chmod(folder, 0o711)
  const home = join(folder, 'home')
  await mkdir(home)
  const tokenFile = join(folder, 'token')
  const writeToken = () => writeFile(tokenFile, `${controlPlane.token()}\n`, { mode: 0o600 })
  await writeToken()
  const port = await unusedPort()
  const url = `https://127.0.0.1:${port}`
  const dispatchers = new Map<Identity, Agent>()
  const clients = new Set<Client>()
  let child: ChildProcess | null = null
  let output = ''

  function dispatcherFor(identity: Identity): Agent {
    const known = dispatchers.get(identity)
    if (known !== undefined) return known
    const made = createPinnedDispatcher({
      serverCertificate: controlPlane.agentCertificate() ?? '',
      clientIdentity: identity,
    })
    dispatchers.set(identity, made)
    return made
  }

  const agent: AgentProcess = {
    url,
    home,
    pid: () => child?.pid ?? 0,
    output: () => output,
    writeToken,
    async start() {
      const started = spawn(process.execPath, [ENTRY], {
        env: {
          ...process.env,
          DTMA_HOME: home,
          DTMA_PORT: String(port),
          CONTROL_PLANE_URL: controlPlane.url,
          ENROLLMENT_TOKEN_FILE: tokenFile,
          ...environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child = started
      if (started.pid !== undefined) noteProcess(inject('runFolder'), started.pid)
      for (const stream of [started.stdout, started.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text
        })
      }
      const known = new Set(controlPlane.heartbeats.map((beat) => beat.bootId))
      while (controlPlane.heartbeats.every((beat) => known.has(beat.bootId))) {
        if (started.exitCode !== null) throw new Error(`The agent ended with ${started.exitCode}:\n${output}`)
        await pause(25)
      }
    },
    async end(signal) {
      const ending = child
      if (ending === null || ending.exitCode !== null) return ending?.exitCode ?? null
      const exit = once(ending, 'exit')
      ending.kill(signal)
      const [code] = (await exit) as [number | null]
      child = null
      return code
    },
    async call(method, path, options = {}) {
      const answer = await undiciFetch(`${url}${path}`, {
        method,
        dispatcher: dispatcherFor(options.as ?? controlPlane.worker),
        headers: options.headers ?? {},
        body: options.body === undefined ? null : JSON.stringify(options.body),
      })
      const text = await answer.text()
      const json = answer.headers.get('content-type')?.startsWith('application/json')
      return { status: answer.status, body: json ? JSON.parse(text) : text }
    },
    open: (path) =>
      undiciFetch(`${url}${path}`, {
        dispatcher: dispatcherFor(controlPlane.worker),
      }) as unknown as Promise<Response>,
    put: (id, put) => agent.call('PUT', `/v1/instances/${id}`, { body: put }),
    async status(id) {
      return InstanceStatus.parse((await agent.call('GET', `/v1/instances/${id}`)).body)
    },
    async until(id, states, timeoutMs = 45_000) {
      const end = Date.now() + timeoutMs
      for (;;) {
        const status = await agent.status(id)
        if (states.includes(status.state)) return status
        if (Date.now() > end)
          throw new Error(`Not ${states.join(' or ')}: ${JSON.stringify(status)}\n${output}`)
        await pause(50)
      }
    },
    async connect(
      id,
      as = controlPlane.gateway,
      client = new Client({ name: 'test', version: '1.0.0' }),
      headers = {},
    ) {
      const dispatcher = dispatcherFor(as)
      const transport = new StreamableHTTPClientTransport(new URL(`${url}/v1/instances/${id}/mcp`), {
        requestInit: { headers },
        fetch: (input, init) =>
          undiciFetch(input, { ...(init as object), dispatcher }) as unknown as Promise<Response>,
      })
      await client.connect(transport)
      clients.add(client)
      return client
    },
    async dispose() {
      for (const client of clients) await client.close().catch(() => {})
      await agent.end('SIGTERM')
      for (const dispatcher of dispatchers.values()) await dispatcher.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return agent
}

/** A spec with the contract's defaults. */
export function specOf(change: Partial<InstanceSpec> & { source: InstanceSpec['source'] }): InstanceSpec {
  return {
    serverId: crypto.randomUUID(),
    serverName: 'test',
    revisionId: crypto.randomUUID(),
    transport: 'stdio',
    sharing: 'shared',
    userEnv: [],
    env: {},
    secretNames: [],
    limits: { memoryMb: 512, cpus: 1, pids: 256 },
    data: [],
    ...change,
  }
}

/** Processes of a user, without zombies, by their `/proc` entries. */
export async function processesOfUser(uid: number): Promise<number[]> {
  const { readProcessTable } = await import('#dtma/drivers/process/process-table.ts')
  return readProcessTable()
    .filter((entry) => entry.uids.includes(uid) && !entry.zombie)
    .map((entry) => entry.pid)
}

/** Parsed JSON text of a tool's answer. */
export async function callTool<T>(client: Client, name: string, args: Record<string, unknown>): Promise<T> {
  const result = await client.callTool({ name, arguments: args })
  const [content] = result.content as { type: string; text: string }[]
  try {
    return JSON.parse(content?.text ?? '') as T
  } catch {
    return content?.text as T
  }
}

export async function folderNames(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}
