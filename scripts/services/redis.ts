import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { endProcess } from '#scripts/processes/end-process.ts'
import { commandLine } from '#scripts/processes/identity.ts'
import { StartError } from '#scripts/start-error.ts'
import { freePort, isPortFree } from './ports.ts'
import { redisBinary } from './redis-binary.ts'
import { type ExitInfo, lastLines, type ServiceProcess, spawnService } from './service-process.ts'
import { readPrivateJson, writePrivate, writePrivateJson } from './service-state.ts'

export type RunningRedis = {
  url: string
  port: number
  pid: number
  /** Resolves when the server ends, wanted or not. */
  exited: Promise<ExitInfo>
  stop(): Promise<void>
}

const State = z.object({ port: z.int().optional(), password: z.string() })
const START_ATTEMPTS = 3
const START_TIMEOUT_MS = 30_000

/**
 * Starts a Redis of our own on loopback: password, no eviction, append-only file, data in `dir`. `<dir>.json` (0600) keeps
 * password and port. The password is in a 0600 configuration file, never on a command line. A server left over from a
 * killed run is stopped first. Throws `StartError` with one line when it cannot run.
 * `port` insists on that port; without it the last one is used again when free.
 */
export async function startRedis(options: {
  dir: string
  log: (line: string) => void
  port?: number
  allowSystemInstall: boolean
  logFile?: string
}): Promise<RunningRedis> {
  const { log } = options
  const dir = resolve(options.dir)
  const logFile = options.logFile ?? join(dirname(dir), 'logs', 'redis.log')
  const binary = await redisBinary(options.allowSystemInstall, log)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const configFile = join(dir, 'redis.conf')
  await stopLeftover(dir, configFile, log)
  const state = readPrivateJson(`${dir}.json`, State) ?? { password: randomBytes(24).toString('base64url') }
  if (options.port !== undefined && !(await isPortFree(options.port))) {
    throw new StartError(`Port ${options.port}, meant for Redis, is in use.`)
  }
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort(state.port))
    writePrivate(configFile, configuration({ dir, port, password: state.password }))
    const server = await spawnService(binary, [configFile], { logFile, cwd: dir })
    const url = `redis://:${encodeURIComponent(state.password)}@127.0.0.1:${port}/0`
    const stop = () => endProcess(server.pid).then(() => undefined)
    const verdict = await waitUntilReady(server, url)
    if (verdict === 'ready') {
      writePrivateJson(`${dir}.json`, { ...state, port })
      return { url, port, pid: server.pid, exited: server.exited, stop }
    }
    await stop()
    if (verdict === 'exited' && attempt < START_ATTEMPTS) continue
    throw new StartError(`Redis does not start: ${lastLines(logFile, 1)[0] ?? verdict} (log: ${logFile})`)
  }
}

function configuration({ dir, port, password }: { dir: string; port: number; password: string }): string {
  return [
    'bind 127.0.0.1',
    'protected-mode yes',
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${JSON.stringify(dir)}`,
    `pidfile ${JSON.stringify(join(dir, 'redis.pid'))}`,
    'daemonize no',
    // Queues live here: a full memory must refuse writes in words, not drop jobs.
    'maxmemory-policy noeviction',
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    // Keeps the configuration's path on the command line, by which a leftover is told from another Redis.
    'set-proc-title no',
    '',
  ].join('\n')
}

async function stopLeftover(dir: string, configFile: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(dir, 'redis.pid')
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8').trim())
  if (Number.isInteger(pid) && pid > 1 && commandLine(pid)?.endsWith(` ${configFile}`)) {
    log(`Stopping the Redis of an earlier run (pid ${pid})`)
    if (!(await endProcess(pid))) {
      throw new StartError(`Redis of an earlier run (pid ${pid}) does not stop; end it and start again.`)
    }
  }
  rmSync(pidFile, { force: true })
}

async function waitUntilReady(
  server: ServiceProcess,
  url: string,
): Promise<'ready' | 'exited' | 'no answer in time'> {
  const deadline = Date.now() + START_TIMEOUT_MS
  const exited = server.exited.then(() => 'exited' as const)
  while (Date.now() < deadline) {
    const outcome = await Promise.race([exited, answers(url)])
    if (outcome === 'exited') return outcome
    if (outcome) return 'ready'
    await sleep(30)
  }
  return 'no answer in time'
}

/** A ping answers only once the append-only file is loaded. */
async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    client.disconnect()
  }
}
