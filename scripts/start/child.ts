import { setTimeout as sleep } from 'node:timers/promises'
import { type EndStep, endProcess } from '#scripts/processes/end-process.ts'
import { lastLines, spawnService } from '#scripts/services/service-process.ts'
import { StartError } from '#scripts/start-error.ts'
import { errorOf, followLog, readable } from './log-file.ts'
import { killGroup } from './process-register.ts'
import type { RunningUnit } from './unit.ts'

/** One Node process of Toolberth. */
export type ChildSpec = {
  name: string
  /** Arguments for Node: the entry point and its own. */
  args: string[]
  cwd: string
  env: NodeJS.ProcessEnv
  logFile: string
  /** Asked again and again until it answers true; is handed the log lines written since the start. */
  isReady: (lines: string[]) => Promise<boolean> | boolean
  /** Milliseconds it may take to end after SIGTERM. */
  stopMs: number
  /** Told at once, before it is ready: whoever must end it if we are killed meanwhile. */
  onSpawn: (pid: number) => void
  /** Told when it has ended. */
  onEnd: (pid: number) => void
}

const READY_TIMEOUT_MS = 90_000
const POLL_MS = 100

/**
 * Starts the child on the Node that runs us and waits until it is ready. Throws `StartError`
 * when it ends before or takes too long, and the signal's reason when that was aborted.
 */
export async function startChild(spec: ChildSpec, signal: AbortSignal): Promise<RunningUnit> {
  const lines: string[] = []
  const follower = followLog(spec.logFile, (line) => lines.push(line))
  const child = await spawnService(process.execPath, spec.args, spec)
  spec.onSpawn(child.pid)
  void child.exited.then(() => spec.onEnd(child.pid))
  const steps: EndStep[] = [
    { signal: 'SIGTERM', waitMs: spec.stopMs },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]
  const stop = async () => {
    await endProcess(child.pid, { steps })
    killGroup(child.pid)
  }
  const exited = child.exited.then(() => 'exited' as const)
  try {
    const deadline = Date.now() + READY_TIMEOUT_MS
    while (Date.now() < deadline && !signal.aborted) {
      const outcome = await Promise.race([exited, Promise.resolve(spec.isReady(lines)).catch(() => false)])
      if (outcome === 'exited') {
        signal.throwIfAborted()
        follower.stop()
        throw new StartError(`${spec.name} ended while starting: ${cause(lines)} (log: ${spec.logFile})`)
      }
      if (outcome) return { pid: child.pid, exited: child.exited, stop }
      await Promise.race([sleep(POLL_MS), exited])
    }
    await stop()
    signal.throwIfAborted()
    follower.stop()
    throw new StartError(
      `${spec.name} did not become ready within ${READY_TIMEOUT_MS / 1000} s: ${cause(lines)} (log: ${spec.logFile})`,
    )
  } finally {
    follower.stop()
  }
}

/** The line that says most: the last error, else the last line at all. */
function cause(lines: string[]): string {
  const spoken = lines.filter((line) => line.trim() !== '' && !/^\s+at |^Node\.js v/.test(line))
  const thrown = spoken.findLast((line) => /^(\w*Error|error)\b.*:/.test(line))
  const logged = spoken.map(errorOf).findLast((text) => text !== null)
  return logged ?? thrown ?? readable(spoken.at(-1) ?? 'it wrote nothing')
}

/** The end of a log in words, for messages about a process that is not a child of this run. */
export function lastWords(logFile: string): string {
  return cause(lastLines(logFile, 40))
}
