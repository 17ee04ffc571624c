import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { packAgent } from '#scripts/pack-agent/pack.ts'
import { packNode } from '#scripts/pack-agent/pack-node.ts'
import { descendantsOf } from '#scripts/processes/descendants.ts'
import { writePrivate } from '#scripts/services/service-state.ts'
import { migrate } from '#server/db/migrate.ts'
import { applicationUnits } from './application-units.ts'
import { buildWeb } from './build-web.ts'
import { checkPorts } from './check-ports.ts'
import { checkDatabaseUrl, checkRedisUrl } from './check-url.ts'
import { addressesOf, serverEnv } from './environments.ts'
import { ensureMasterKey, homePaths } from './home.ts'
import type { StartOptions } from './options.ts'
import { endLeftovers, killGroup, ProcessRegister } from './process-register.ts'
import type { Progress } from './progress.ts'
import { runSeed } from './run-seed.ts'
import { runTogether } from './run-together.ts'
import { serviceUnits } from './service-units.ts'
import { Unit, type UnitSpec } from './unit.ts'
import { watchLogs } from './watch-logs.ts'

/** What a started installation tells about itself. */
export type RunningInstallation = {
  /** What the web application is called from outside, "http://localhost:3000". */
  url: string
  gatewayUrl: string
  home: string
  adminEmail: string
  adminPassword: string
  adminApiKey: string
  /** As the app user. */
  databaseUrl: string
  redisUrl: string
  /** Pids by name (postgres, redis, web, worker, gateway, dtma); a process that is being restarted is missing. */
  pids(): Record<string, number>
  /** Resolves with the pid once a process other than `formerPid` runs and answers under this name; rejects after 2 minutes. */
  restarted(name: string, formerPid: number): Promise<number>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
/** Callers first, then what they call, then where everything is kept. */
const STOP_ORDER = ['gateway', 'web', 'worker', 'dtma', 'redis', 'postgres']
const TITLES: Record<string, string> = {
  web: 'Web application',
  worker: 'Worker',
  gateway: 'Gateway',
  dtma: 'Local toolbox',
}
const RESTART_WAIT_MS = 120_000

/** One run of an installation, from the first check to the last process gone. The caller holds the lock of the home. */
export class Run {
  readonly #options: StartOptions
  readonly #progress: Progress
  readonly #register: ProcessRegister
  readonly #cancelled = new AbortController()
  readonly #units: Unit[] = []
  #logs: { stop(): void } | null = null
  #stopped: Promise<void> | null = null

  constructor(options: StartOptions, progress: Progress) {
    this.#options = options
    this.#progress = progress
    this.#register = new ProcessRegister(homePaths(options.home).processes)
  }

  /** Brings everything up, in an order in which nothing is started that a later check would have to end again. */
  async start(): Promise<RunningInstallation> {
    const options = this.#options
    const progress = this.#progress
    const paths = homePaths(options.home)
    await endLeftovers(paths.processes, progress.line)
    await checkPorts(options)
    if (options.database) {
      await checkDatabaseUrl(options.database.ownerUrl, 'DATABASE_OWNER_URL')
      await checkDatabaseUrl(options.database.appUrl, 'DATABASE_URL')
    }
    if (options.redisUrl) await checkRedisUrl(options.redisUrl, 'REDIS_URL')
    await ensureMasterKey(options.home, progress.line)

    const { units, urls } = serviceUnits(options, progress.line)
    const signal = this.#cancelled.signal
    let adminEmail = ''
    const prepareData = async () => {
      for (const { title, spec } of units) await this.#startUnit(spec, title)
      await this.#step('Migrations', () => migrate({ ownerUrl: urls.owner, log: progress.line }))
      await this.#step('First data', async () => {
        const env = serverEnv(options, urls)
        const seeded = await runSeed({ root: ROOT, home: options.home, env, logs: paths.logs, signal })
        if (seeded.enrollmentToken) writePrivate(paths.enrollmentToken, `${seeded.enrollmentToken}\n`)
        adminEmail = seeded.adminEmail
      })
    }
    const build = async () => {
      const agent = join(ROOT, 'dist', 'agent')
      await Promise.all([packAgent(ROOT, agent), packNode(agent)])
      await buildWeb({
        root: ROOT,
        logFile: join(paths.logs, 'build.log'),
        env: options.env,
        progress,
        signal,
      })
    }
    await runTogether([build, prepareData], () => this.cancel())

    const application = applicationUnits({ root: ROOT, options, urls, register: this.#register })
    await runTogether(
      application.map((spec) => () => this.#startUnit(spec, TITLES[spec.name] ?? spec.name)),
      () => this.cancel(),
    )
    this.#logs = watchLogs(application, progress.problem)
    const { url, gatewayUrl } = addressesOf(options)
    return {
      url,
      gatewayUrl,
      home: options.home,
      adminEmail,
      adminPassword: readIfThere(paths.adminPassword),
      adminApiKey: readIfThere(paths.adminApiKey),
      databaseUrl: urls.database,
      redisUrl: urls.redis,
      pids: () => this.#pids(),
      restarted: (name, formerPid) => this.#restarted(name, formerPid),
    }
  }

  /** Ends a start in the middle: it rejects, and what it had started ends. */
  cancel(): void {
    this.#cancelled.abort()
    void this.stop()
  }

  /** Stops everything in order. The same promise for every caller. */
  stop(): Promise<void> {
    this.#cancelled.abort()
    this.#stopped ??= this.#stopUnits()
    return this.#stopped
  }

  /** Ends every process at once, with everything below it. */
  force(): void {
    const pids = this.#register.pids()
    for (const pid of descendantsOf(pids)) kill(pid, 'SIGKILL')
    for (const pid of pids) killGroup(pid)
    for (const { pid, spec } of this.#units) if (pid) kill(pid, spec.force)
    void this.stop()
  }

  async #stopUnits(): Promise<void> {
    this.#logs?.stop()
    for (const unit of this.#units) unit.expectEnd()
    const rank = (unit: Unit) => STOP_ORDER.indexOf(unit.spec.name)
    for (const unit of [...this.#units].sort((a, b) => rank(a) - rank(b))) await unit.stop()
  }

  async #startUnit(spec: UnitSpec, title: string): Promise<void> {
    const unit = new Unit(spec, this.#progress)
    await this.#step(title, () => {
      this.#units.push(unit)
      return unit.start()
    })
  }

  async #step(title: string, work: () => Promise<unknown>): Promise<void> {
    this.#cancelled.signal.throwIfAborted()
    const done = this.#progress.step(title)
    await work()
    this.#cancelled.signal.throwIfAborted()
    done()
  }

  #pids(): Record<string, number> {
    return Object.fromEntries(this.#units.flatMap(({ pid, spec }) => (pid ? [[spec.name, pid]] : [])))
  }

  async #restarted(name: string, formerPid: number): Promise<number> {
    const deadline = Date.now() + RESTART_WAIT_MS
    while (Date.now() < deadline && !this.#cancelled.signal.aborted) {
      const pid = this.#pids()[name]
      if (pid && pid !== formerPid) return pid
      await sleep(50)
    }
    throw new Error(`${name} did not run again within ${RESTART_WAIT_MS / 1000} s`)
  }
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}
