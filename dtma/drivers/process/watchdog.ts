import type { InstanceError, Limits } from '#contracts/instances.ts'
import type { Membership } from './end-processes.ts'
import { readCpuSeconds, readProcessTable } from './process-table.ts'

/** A greedy process can take hundreds of megabytes in a second, so limits are looked at several times in one. */
const INTERVAL_MS = 250

export type Watched = { limits: Limits; membership: Membership; onExceeded(error: InstanceError): void }
export type Usage = { memoryBytes: number; tasks: number }

export type Watchdog = {
  /** Watches until the answered function is called. */
  watch(watched: Watched): { usage(): Usage | null; cpuSeconds(): number; end(): void }
  close(): void
}

/** Watches memory and number of tasks of every run with one look at the process table per interval. */
export function createWatchdog(): Watchdog {
  const all = new Map<Watched, Usage | null>()
  let timer: NodeJS.Timeout | null = null

  function look(): void {
    const table = readProcessTable()
    for (const watched of [...all.keys()]) {
      const members = watched.membership(table).filter((entry) => !entry.zombie)
      const usage = { memoryBytes: 0, tasks: 0 }
      for (const member of members) {
        usage.memoryBytes += member.memoryBytes
        usage.tasks += member.tasks
      }
      all.set(watched, usage)
      const error = exceeded(usage, watched.limits)
      if (error === null) continue
      all.delete(watched)
      watched.onExceeded(error)
    }
  }

  function arrange(): void {
    if (all.size > 0 && timer === null) timer = setInterval(look, INTERVAL_MS)
    if (all.size === 0 && timer !== null) {
      clearInterval(timer)
      timer = null
    }
  }

  return {
    watch(watched) {
      all.set(watched, null)
      arrange()
      return {
        usage: () => all.get(watched) ?? null,
        cpuSeconds: () => {
          const members = watched.membership(readProcessTable())
          return members.reduce((sum, member) => sum + readCpuSeconds(member.pid), 0)
        },
        end() {
          all.delete(watched)
          arrange()
        },
      }
    },
    close() {
      all.clear()
      arrange()
    },
  }
}

export function exceeded(usage: Usage, limits: Limits): InstanceError | null {
  if (usage.memoryBytes > limits.memoryMb * 1024 * 1024) {
    const used = Math.round(usage.memoryBytes / 1024 / 1024)
    return {
      code: 'SERVER_OUT_OF_MEMORY',
      detail: `The server held ${used} MiB; its limit is ${limits.memoryMb} MiB.`,
    }
  }
  if (usage.tasks > limits.pids) {
    return {
      code: 'SERVER_TOO_MANY_PROCESSES',
      detail: `The server had ${usage.tasks} processes and threads; its limit is ${limits.pids}.`,
    }
  }
  return null
}
