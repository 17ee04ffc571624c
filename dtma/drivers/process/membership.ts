import type { Membership } from './end-processes.ts'
import { type ProcessEntry, readEnviron } from './process-table.ts'
import { MARKER_VARIABLE, SESSION_VARIABLE } from './server-command.ts'
import { FIRST_UID, LAST_UID } from './uid-claims.ts'

/** Everything that runs as the server's own user, in whatever session or group. */
export function processesOfUid(uid: number): Membership {
  if (uid < FIRST_UID || uid > LAST_UID) throw new RangeError(`${uid} is no user of a server.`)
  return (table) => table.filter((entry) => entry.uids.includes(uid))
}

/** A process and all that descends from it: complete for bubblewrap, whose namespace keeps orphans under its first process. */
export function processesUnder(pid: number): Membership {
  return (table) => descendants(table, pid)
}

/**
 * The same without bubblewrap's own two processes, its outer one and the first of the namespace: either of them takes the whole
 * sandbox with it, so a polite end is asked of the server alone, and they follow it.
 */
export function processesInSandbox(pid: number): Membership {
  return (table) => descendants(table, pid).slice(2)
}

/**
 * Without isolation: descendants, the process group and session, and whatever carries the mark of the instance,
 * or of the one session that is meant. A process that wipes
 * its environment and leaves its session escapes this; that is part of what "unisolated" means.
 */
export function processesMarked(pid: number | null, instanceId: string, session?: string): Membership {
  const mark = session === undefined ? `${MARKER_VARIABLE}=${instanceId}` : `${SESSION_VARIABLE}=${session}`
  return (table) => {
    const under = new Set(pid === null ? [] : descendants(table, pid))
    return table.filter(
      (entry) =>
        entry.pid !== process.pid &&
        (under.has(entry) ||
          (pid !== null && (entry.group === pid || entry.session === pid)) ||
          readEnviron(entry.pid).includes(mark)),
    )
  }
}

function descendants(table: ProcessEntry[], root: number): ProcessEntry[] {
  const children = Map.groupBy(table, (entry) => entry.parent)
  const found = table.filter((entry) => entry.pid === root)
  for (let index = 0; index < found.length; index++) {
    found.push(...(children.get((found[index] as ProcessEntry).pid) ?? []))
  }
  return found
}
