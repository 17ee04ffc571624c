import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentFailure } from '#dtma/agent-failure.ts'
import {
  type Driver,
  type DriverInstance,
  InstanceFailure,
  type LogSink,
  type Run,
  type RunExit,
  type RunUsage,
} from '#dtma/drivers/driver.ts'
import { describeExit } from '#dtma/instances/describe-exit.ts'
import type { RelayUser } from '#mcp/relay-channel.ts'
import type { Seats } from './seats.ts'
import { createSessionLog, type SessionLog } from './session-log.ts'

/** An engine that is away keeps a session's end waiting; it is tried again so often, milliseconds apart. */
const STOP_ATTEMPTS = 5
const STOP_AGAIN_MS = 2_000
const MAX_LAST_WORDS = 300

/** The process or container of one session. */
export type Child = {
  stdio: NonNullable<Run['stdio']>
  log: SessionLog
  exited: Promise<RunExit>
  /** Ends it; `onClose` is not called any more. */
  close(): void
}

/** All of an isolated instance. */
export type Children = {
  /** Throws AgentFailure BUSY when there is no room, NOT_RUNNING while all are ended, and what the driver throws. */
  open(user: RelayUser, onClose: (reason: string) => void): Promise<Child>
  /** What `open` would throw for want of room. */
  full(): AgentFailure | null
  usage(): RunUsage
  cpuSeconds(): number
  /** Ends all, and starts no more. Resolves when nothing is left. */
  closeAll(): Promise<void>
}

export function createChildren(options: {
  driver: Driver
  instance: DriverInstance
  log: LogSink
  seats: Seats
}): Children {
  const { driver, instance } = options
  const { spec } = instance
  const runs = new Set<Run>()
  const closers = new Set<() => void>()
  /** What is under way: starts and ends. */
  const ends = new Set<Promise<unknown>>()
  let closing = false

  function take(): () => void {
    const seat = options.seats.take(instance.id, spec.limits.memoryMb)
    if (typeof seat === 'string') throw new AgentFailure('BUSY', seat)
    return seat
  }

  async function start(user: RelayUser, log: SessionLog, id: string): Promise<Run> {
    const run = await driver.start(instance, { log, session: { id, env: variablesOf(user, spec.userEnv) } })
    log.write('agent', user.agentId === null ? 'Started for a test.' : `Started for agent ${user.agentId}.`)
    return run
  }

  async function end(run: Run, log: SessionLog): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await run.stop()
        break
      } catch (error) {
        log.write('agent', (error as Error).message)
        // What is left is found by the driver when the instance stops, or the agent starts again.
        if (attempt === STOP_ATTEMPTS) break
        await sleep(STOP_AGAIN_MS)
      }
    }
    runs.delete(run)
  }

  return {
    async open(user, onClose) {
      if (closing) throw stopping()
      const leave = take()
      const id = randomBytes(6).toString('hex')
      const log = createSessionLog(options.log, id, Object.values(user.env))
      const started = start(user, log, id)
      const settled = started.catch(() => undefined)
      ends.add(settled)
      void settled.then(() => ends.delete(settled))
      let run: Run
      try {
        run = await started
      } catch (error) {
        leave()
        if (error instanceof InstanceFailure) log.write('agent', error.message)
        throw error
      }
      runs.add(run)
      let isOpen = true
      const close = () => {
        if (!isOpen) return
        isOpen = false
        closers.delete(close)
        // What ends is given two seconds at most, and whoever made it end is waiting for its room.
        leave()
        const task = end(run, log)
        ends.add(task)
        void task.finally(() => ends.delete(task))
      }
      closers.add(close)
      void run.exited.then((exit) => {
        log.write('agent', describeExit(exit))
        if (!isOpen) return
        close()
        onClose(reasonOf(exit, log))
      })
      if (!closing && run.stdio !== null) return { stdio: run.stdio, log, exited: run.exited, close }
      close()
      throw stopping()
    },
    full() {
      try {
        take()()
        return null
      } catch (error) {
        return error as AgentFailure
      }
    },
    usage() {
      const all = [...runs].map((run) => run.usage())
      return {
        memoryBytes: all.reduce((sum, usage) => sum + (usage?.memoryBytes ?? 0), 0),
        tasks: all.reduce((sum, usage) => sum + (usage?.tasks ?? 0), 0),
      }
    },
    cpuSeconds: () => [...runs].reduce((sum, run) => sum + run.cpuSeconds(), 0),
    async closeAll() {
      closing = true
      for (const close of [...closers]) close()
      while (ends.size > 0) await Promise.all(ends)
      await driver.halt(instance.id)
    },
  }
}

const stopping = () => new AgentFailure('NOT_RUNNING', 'The MCP server is being stopped.')

/** For a look at the server that is nobody's own, what its users have to give is there, and means nothing. */
function variablesOf(user: RelayUser, asked: readonly string[]): Record<string, string> {
  if (user.agentId !== null) return user.env
  return { ...Object.fromEntries(asked.map((name) => [name, PLACEHOLDER])), ...user.env }
}
const PLACEHOLDER = 'toolberth-placeholder'

function reasonOf(exit: RunExit, log: SessionLog): string {
  const how = exit.error?.detail ?? describeExit(exit)
  const words = log.lastWords().slice(0, MAX_LAST_WORDS)
  return words === '' ? how : `${how} Its last words: ${words}`
}
