import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process as written to disk. A pid alone may by now belong to someone else; the start time tells. */
export type ProcessRecord = { pid: number; startedAt: string }

/** True when a process with this pid exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  return startTime(pid) !== null
}

/** When the process started, as an opaque text (clock ticks since boot on Linux, a date elsewhere); null when it is gone. */
export function startTime(pid: number): string | null {
  if (process.platform !== 'linux') return ps(pid, 'lstart=')
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command in parentheses may hold spaces: field 3 (state) follows the last one, field 22 is the start time (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : `${bootId()}:${fields[19]}`
  } catch {
    return null
  }
}

/** The command line of a process, arguments joined by spaces; null when it is gone or not ours to see. */
export function commandLine(pid: number): string | null {
  if (process.platform !== 'linux') return ps(pid, 'command=')
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return null
  }
}

/** What to write down about a process that runs now; null when it is already gone. */
export function recordOf(pid: number): ProcessRecord | null {
  const startedAt = startTime(pid)
  return startedAt === null ? null : { pid, startedAt }
}

/** True when the very process that was recorded still runs. */
export function isSameProcess(record: ProcessRecord): boolean {
  return startTime(record.pid) === record.startedAt
}

/** Start times are counted from boot, so they repeat after the next one without this. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

function ps(pid: number, column: string): string | null {
  try {
    const text = execFileSync('ps', ['-o', column, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim()
    return text === '' ? null : text
  } catch {
    return null
  }
}

/** True while a process group has a member. */
export function isGroupAlive(pgid: number): boolean {
  try {
    process.kill(-pgid, 0)
    return true
  } catch {
    return false
  }
}
