import { z } from 'zod'
import { endProcess } from '#scripts/processes/end-process.ts'
import { isGroupAlive, isSameProcess, recordOf, startTime } from '#scripts/processes/identity.ts'
import { readPrivateJson, writePrivateJson } from '#scripts/services/service-state.ts'

const Entries = z.record(z.string(), z.object({ pid: z.int(), startedAt: z.string() }))

/** Which processes an installation runs, on disk, so that the next start finds what a killed one left behind. */
export class ProcessRegister {
  readonly #path: string
  readonly #entries = new Map<string, { pid: number; startedAt: string }>()

  constructor(path: string) {
    this.#path = path
  }

  add(name: string, pid: number): void {
    const record = recordOf(pid)
    if (record) this.#entries.set(name, record)
    this.#save()
  }

  /** Forgets a process, unless its name belongs to a later one by now. */
  remove(name: string, pid: number): void {
    if (this.#entries.get(name)?.pid !== pid) return
    this.#entries.delete(name)
    this.#save()
  }

  pids(): number[] {
    return [...this.#entries.values()].map(({ pid }) => pid)
  }

  #save(): void {
    writePrivateJson(this.#path, Object.fromEntries(this.#entries))
  }
}

/** Ends the processes that a killed run wrote down, with their process groups, all at once. */
export async function endLeftovers(path: string, log: (line: string) => void): Promise<void> {
  const entries = Object.entries(readPrivateJson(path, Entries) ?? {})
  await Promise.all(
    entries.map(async ([name, record]) => {
      if (isSameProcess(record)) {
        log(`Stopping the ${name} of an earlier run (pid ${record.pid})`)
        await endProcess(record)
      }
      // The leader is gone. While members live its pid stays taken as group id, so this can hit no one else's group.
      if (startTime(record.pid) === null && isGroupAlive(record.pid)) killGroup(record.pid)
    }),
  )
  writePrivateJson(path, {})
}

/** SIGKILL to every process of a group; no error when there is none. */
export function killGroup(pgid: number): void {
  try {
    process.kill(-pgid, 'SIGKILL')
  } catch {
    // Nobody left.
  }
}
