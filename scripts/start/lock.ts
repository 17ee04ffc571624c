import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { isSameProcess, recordOf } from '#scripts/processes/identity.ts'
import { writePrivateJson } from '#scripts/services/service-state.ts'

const Holder = z.object({ pid: z.int(), startedAt: z.string(), note: z.string() })
export type Holder = z.infer<typeof Holder>

/** A take-over lasts milliseconds; one this old died in the middle. */
const TAKE_OVER_LIMIT_MS = 5_000

/**
 * Takes the lock file `path` for this process, or answers who holds it. A lock whose process is gone is taken over.
 * `note` is for whoever finds it held.
 */
export async function takeLock(
  path: string,
  note: string,
): Promise<{ release: () => void } | { holder: Holder }> {
  const own = recordOf(process.pid)
  if (!own) throw new Error('this process has no start time')
  const draft = `${path}.${process.pid}`
  writePrivateJson(draft, { ...own, note })
  try {
    for (;;) {
      // A link appears whole or not at all, and never replaces another.
      if (tryLink(draft, path)) {
        return {
          release: () => {
            if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true })
          },
        }
      }
      const holder = lockHolder(path)
      if (holder) return { holder }
      if (!removeStale(path)) await sleep(20)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Who holds the lock file now; null when nobody does. */
export function lockHolder(path: string): Holder | null {
  const holder = readHolder(path)
  return holder && isSameProcess(holder) ? holder : null
}

/** Removes a dead holder's lock, one process at a time: otherwise a second one could remove the lock the first just took. */
function removeStale(path: string): boolean {
  const guard = `${path}.take-over`
  try {
    mkdirSync(guard)
  } catch {
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > TAKE_OVER_LIMIT_MS) rmSync(guard, { recursive: true, force: true })
    return false
  }
  if (!lockHolder(path)) rmSync(path, { force: true })
  rmdirSync(guard)
  return true
}

function readHolder(path: string): Holder | null {
  try {
    return Holder.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
