import { once } from 'node:events'
import { createConnection } from 'node:net'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import type Docker from 'dockerode'
import { InstanceFailure, type LogSink, type Run, type RunExit } from '#dtma/drivers/driver.ts'
import { outputReader } from '#dtma/instances/instance-log-output.ts'
import type { LineReader } from '#mcp/line-reader.ts'
import { handlingOf } from './container-states.ts'
import { demultiplex } from './demultiplex.ts'
import { ask, askFor, askUnlessDone, type Engine, isEngineAway } from './engine.ts'
import { removeContainer } from './helper-container.ts'
import { type ContainerUsage, readUsage } from './usage.ts'

/** The end of a container is reported after this time although its last output did not arrive. */
const DRAIN_MS = 1_000
/** What the init process ends with when the command may not be executed, or does not exist. */
const NOT_STARTED: readonly number[] = [126, 127]
/** 128 + SIGKILL: how a process ends that the kernel kills for want of memory, among others. */
const KILLED = 137
/** The engine learns of output, end and reason in any order: it is asked again so often, in milliseconds so far apart. */
const LATE_LOOKS = 10
const LATE_MS = 100

/** A run as its driver sees it: told what the engine says, and polled for figures. */
export type ContainerRun = Run & {
  readonly containerId: string
  /** Something happened to the container, or the engine is back: look at it. */
  check(): void
  /** The engine does not answer. */
  engineAway(): void
  refreshUsage(): Promise<void>
}

type RunOptions = {
  engine: Engine
  containerId: string
  /** What the container prints, from now on; a duplex when it is attached for stdio. */
  output: NodeJS.ReadableStream
  stdio: boolean
  listensOn: Run['listensOn']
  log: LogSink
  stopSeconds: number
  onEnd(): void
}

/** Follows a container that runs until it has ended. */
export function followContainer(options: RunOptions): ContainerRun {
  const { engine, containerId, log, stdio } = options
  const stdout = stdio ? new PassThrough() : null
  const ended = Promise.withResolvers<RunExit>()
  let settled = false
  let usage: ContainerUsage | null = null
  let reading = readOutput(options.output)
  let checking: Promise<void> | null = null
  let again = false
  let looksAfterEnd = 0

  function readOutput(stream: NodeJS.ReadableStream): Promise<void> {
    const [out, err] = [outputReader('stdout', log), outputReader('stderr', log)]
    const print = (reader: LineReader, data: Buffer) => {
      reader.push(data)
      return log.drained()
    }
    const forward = (data: Buffer) =>
      stdout === null || stdout.write(data) ? null : once(stdout, 'drain').then(() => undefined)
    return demultiplex(stream as unknown as AsyncIterable<unknown>, {
      onStdout: (data) => (stdout === null ? print(out, data) : forward(data)),
      onStderr: (data) => print(err, data),
    }).then(() => {
      out.end()
      err.end()
      // Without its pipes a stdio server is of no use, whether it still runs or not.
      if (stdio) void look()
    })
  }

  async function settle(exit: RunExit): Promise<void> {
    if (settled) return
    settled = true
    await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, DRAIN_MS))])
    stdout?.end()
    ended.resolve(exit)
    options.onEnd()
  }

  async function inspect(): Promise<void> {
    const container = await askFor(() => engine.api.getContainer(containerId).inspect())
    if (container === null) {
      return settle({ exitCode: null, signal: null, error: lost('The container was removed from outside.') })
    }
    const handling = handlingOf(container.State.Status)
    if (handling.take === 'resume') {
      log.write('agent', 'The container was paused from outside; it goes on.')
      await askUnlessDone(() => engine.api.getContainer(containerId).unpause())
    }
    if (!handling.alive || container.State.Status === 'restarting')
      return settle(await lastWord(container.State))
    if (stdio && (options.output as Readable).readableEnded) {
      // The engine may see the end of the process a moment after the end of its output.
      if (looksAfterEnd++ < LATE_LOOKS) return void setTimeout(() => void look(), LATE_MS)
      await settle({ exitCode: null, signal: null, error: lost('The connection to the server was lost.') })
    }
  }

  /** The kernel's kill is told before its reason: a server killed by it may turn out to have used up its memory. */
  async function lastWord(state: Docker.ContainerInspectInfo['State']): Promise<RunExit> {
    let last = state
    for (let i = 0; i < LATE_LOOKS && last.ExitCode === KILLED && !last.OOMKilled && stopping === null; i++) {
      await new Promise((resolve) => setTimeout(resolve, LATE_MS))
      const container = await askFor(() => engine.api.getContainer(containerId).inspect())
      if (container === null) break
      last = container.State
    }
    return exitOf(last)
  }

  function look(): Promise<void> {
    again = true
    checking ??= (async () => {
      while (again && !settled) {
        again = false
        await inspect().catch((error: unknown) => {
          if (isEngineAway(error)) return away()
          log.write('agent', `The container could not be looked at: ${(error as Error).message}`)
        })
      }
    })().finally(() => {
      checking = null
    })
    return checking
  }

  /** A server behind a port goes on without the engine; one behind pipes has lost them. */
  function away(): void {
    if (!stdio) return
    void settle({
      exitCode: null,
      signal: null,
      error: { code: 'ENGINE_UNAVAILABLE', detail: 'The engine went away, and with it the server.' },
    })
  }

  /** After the engine was away the log has to be asked for again. */
  async function rejoin(): Promise<void> {
    await look()
    if (settled || stdio) return
    const since = Math.floor(Date.now() / 1000)
    const stream = await followLog(engine, containerId, since).catch(() => null)
    if (stream !== null) reading = readOutput(stream)
  }

  async function stop(): Promise<void> {
    const container = engine.api.getContainer(containerId)
    await askUnlessDone(() => container.stop({ t: options.stopSeconds }))
    const state = await askFor(() => container.inspect())
    if (state !== null) await settle(exitOf(state.State))
    await removeContainer(engine, containerId)
    await settle({ exitCode: null, signal: 'SIGKILL', error: null })
    ;(options.output as Readable).destroy()
  }

  let stopping: Promise<void> | null = null
  let wasAway = false
  return {
    containerId,
    stdio: stdout === null ? null : { stdin: options.output as unknown as Writable, stdout },
    listensOn: options.listensOn,
    listening: () => isOpen(options.listensOn),
    exited: ended.promise,
    usage: () => usage,
    cpuSeconds: () => usage?.cpuSeconds ?? 0,
    stop() {
      stopping ??= stop().catch((error: unknown) => {
        stopping = null
        throw error
      })
      return stopping
    },
    check() {
      if (wasAway) void rejoin()
      else void look()
      wasAway = false
    },
    engineAway() {
      wasAway = true
      away()
    },
    async refreshUsage() {
      if (!settled) usage = await readUsage(engine, containerId).catch(() => usage)
    },
  }
}

/** What the container printed after `since` (seconds of the epoch), and goes on to print. */
export async function followLog(
  engine: Engine,
  containerId: string,
  since: number,
): Promise<NodeJS.ReadableStream> {
  const container = engine.streams.getContainer(containerId)
  return ask(() => container.logs({ follow: true, stdout: true, stderr: true, since }))
}

/** How the container ended, as the engine tells it. A memory limit that was enforced is told apart from any other end. */
export function exitOf(state: Docker.ContainerInspectInfo['State']): RunExit {
  const exitCode = state.ExitCode
  if (state.OOMKilled && exitCode !== 0) {
    const detail = `The kernel ended the server because it used all of its memory (exit code ${exitCode}).`
    return { exitCode, signal: null, error: { code: 'SERVER_OUT_OF_MEMORY', detail } }
  }
  if (NOT_STARTED.includes(exitCode)) {
    const detail = `The command of the image could not be started (exit code ${exitCode}).`
    return { exitCode, signal: null, error: { code: 'IMAGE_NOT_RUNNABLE', detail } }
  }
  return { exitCode, signal: null, error: null }
}

function lost(detail: string): NonNullable<RunExit['error']> {
  return { code: 'SERVER_EXITED', detail }
}

async function isOpen(listensOn: Run['listensOn']): Promise<boolean> {
  const host = listensOn?.hosts[0]
  if (host === undefined) return false
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: listensOn?.port ?? 0, timeout: 1_000 })
    const end = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

/** Words of the engine for an image that is there and cannot be started. */
export function explainStartFailure(image: string, text: string): InstanceFailure {
  const code = /no space left on device/i.test(text) ? 'TOOLBOX_DISK_FULL' : 'IMAGE_NOT_RUNNABLE'
  return new InstanceFailure(code, `${image}: ${text}`)
}
