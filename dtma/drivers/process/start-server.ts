import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { InstanceError } from '#contracts/instances.ts'
import {
  type DriverInstance,
  InstanceFailure,
  type LogSink,
  type Run,
  type RunExit,
} from '#dtma/drivers/driver.ts'
import { logOutput } from '#dtma/instances/instance-log-output.ts'
import { endProcesses, killProcesses, type Membership } from './end-processes.ts'
import { usersListeningOn } from './listening-sockets.ts'
import { forgetPid, notePid } from './pid-file.ts'
import type { Watchdog } from './watchdog.ts'

/** A grandchild may keep the pipes open; the end of the main process is reported after this time at the latest. */
const DRAIN_MS = 1_000
/** Where a server that listens on "localhost" or on loopback can be found. */
const LOOPBACK = ['127.0.0.1', '::1']
/** Prefer servers over everything else when the machine itself runs out of memory (proc_pid_oom_score_adj(5), -1000 to 1000). */
const OOM_SCORE = '800'

export type ServerUser = { uid: number; gid: number }

export type StartOptions = {
  instance: DriverInstance
  command: [string, ...string[]]
  environment: Record<string, string>
  cwd: string
  /** The server's own user; null where users do not keep servers apart. */
  user: ServerUser | null
  /** What the process is noted as on disk. */
  note: string
  port: number | null
  membershipOf(pid: number): Membership
  /** Those of them that are asked to end, when not all. */
  askedOf?: (pid: number) => Membership
  /** Kills all members in one step, where that can be done. */
  sweep?: () => Promise<void>
  watchdog: Watchdog
  log: LogSink
  pidsFolder: string
}

/** Starts the server as the leader of a session of its own and watches over it. Throws InstanceFailure when it cannot be started. */
export async function startServer(options: StartOptions): Promise<Run> {
  const { instance, log } = options
  const [program, ...args] = options.command
  const stdio = instance.spec.transport === 'stdio'
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.environment as NodeJS.ProcessEnv,
    detached: true,
    stdio: [stdio ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    ...options.user,
  })
  const ended = watchEnd(child)
  // Listening begins before anything is awaited, so that the last words of a short life are not missed.
  if (child.stderr !== null) logOutput(child.stderr, 'stderr', log)
  if (!stdio && child.stdout !== null) logOutput(child.stdout, 'stdout', log)
  await spawned(child)
  const pid = child.pid as number
  await notePid(options.pidsFolder, options.note, pid)
  await writeFile(`/proc/${pid}/oom_score_adj`, OOM_SCORE).catch(() => {})

  const membership = options.membershipOf(pid)
  let limitError: InstanceError | null = null
  const watch = options.watchdog.watch({
    limits: instance.spec.limits,
    membership,
    onExceeded(error) {
      limitError = error
      log.write('agent', error.detail)
      killProcesses(membership, options.sweep).catch((problem: Error) => log.write('agent', problem.message))
    },
  })

  let stopping: Promise<void> | null = null
  async function stop(): Promise<void> {
    await endProcesses(membership, options.sweep, options.askedOf?.(pid))
    watch.end()
    child.stdout?.destroy()
    child.stderr?.destroy()
    child.stdin?.destroy()
    await ended
    await forgetPid(options.pidsFolder, options.note)
  }

  return {
    stdio: stdio ? { stdin: child.stdin as Writable, stdout: child.stdout as Readable } : null,
    listensOn: options.port === null ? null : { hosts: LOOPBACK, port: options.port },
    listening: () => isListening(options.port, options.user?.uid ?? null),
    exited: ended.then((end): RunExit => ({ ...end, error: limitError })),
    usage: () => watch.usage(),
    cpuSeconds: () => watch.cpuSeconds(),
    stop() {
      stopping ??= stop().catch((error) => {
        stopping = null
        throw error
      })
      return stopping
    },
  }
}

async function spawned(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(new InstanceFailure('SERVER_EXITED', error.message)))
  })
  child.on('error', () => {})
}

function watchEnd(child: ChildProcess): Promise<{ exitCode: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => {
      const done = () => resolve({ exitCode, signal })
      const timer = setTimeout(done, DRAIN_MS)
      child.once('close', () => {
        clearTimeout(timer)
        done()
      })
    })
  })
}

/** Open, and where users differ: open by the server's own user, so that no other server can take its place. */
async function isListening(port: number | null, uid: number | null): Promise<boolean> {
  if (port === null) return false
  const users = uid === null ? null : usersListeningOn(port)
  if (users !== null && uid !== null) return users.includes(uid) && users.every((user) => user === uid)
  return new Promise<boolean>((resolve) => {
    // "localhost" tries IPv4 and IPv6.
    const socket = createConnection({ host: 'localhost', port, timeout: 1_000 })
    const end = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}
