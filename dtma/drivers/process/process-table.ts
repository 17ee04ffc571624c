import { readdirSync, readFileSync } from 'node:fs'

/** One process as `/proc/<pid>/status` shows it (proc_pid_status(5)). `memoryBytes` is what it holds alone: anonymous and shared memory. */
export type ProcessEntry = {
  pid: number
  parent: number
  group: number
  session: number
  zombie: boolean
  /** Real, effective, saved and file-system user. */
  uids: number[]
  /** Threads, which limits count like processes. */
  tasks: number
  memoryBytes: number
}

/** All processes of the machine; an empty list where there is no `/proc` of Linux's kind. */
export function readProcessTable(): ProcessEntry[] {
  const entries: ProcessEntry[] = []
  for (const name of listNames('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const entry = readProcess(Number(name))
    if (entry !== null) entries.push(entry)
  }
  return entries
}

export function readProcess(pid: number): ProcessEntry | null {
  let status: string
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return null
  }
  const uids = field(status, 'Uid').split('\t').map(Number)
  return {
    pid,
    parent: first(field(status, 'PPid')),
    group: first(field(status, 'NSpgid')),
    session: first(field(status, 'NSsid')),
    zombie: /^[ZX]/.test(field(status, 'State')),
    uids,
    tasks: first(field(status, 'Threads')),
    // File-backed pages (the Node binary itself) are shared by all servers and can be dropped, so they are not counted.
    memoryBytes: (first(field(status, 'RssAnon')) + first(field(status, 'RssShmem'))) * 1024,
  }
}

/** Start in clock ticks since boot: with the pid it names a process for ever. Null when there is no such process. */
export function readStartTicks(pid: number): number | null {
  return statNumbers(pid)?.[19] ?? null
}

/** User and system time in seconds (at the kernel's fixed 100 ticks a second). */
export function readCpuSeconds(pid: number): number {
  const numbers = statNumbers(pid)
  return ((numbers?.[11] ?? 0) + (numbers?.[12] ?? 0)) / 100
}

/** Environment entries ("NAME=value"), empty when they may not be read. */
export function readEnviron(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Fields of `/proc/<pid>/stat` from the third on; the second is a free text in parentheses. */
function statNumbers(pid: number): number[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    return null
  }
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function field(status: string, name: string): string {
  const start = status.indexOf(`\n${name}:`)
  if (start === -1) return ''
  const from = start + name.length + 2
  return status.slice(from, status.indexOf('\n', from)).trim()
}

function first(text: string): number {
  const value = Number.parseInt(text, 10)
  return Number.isNaN(value) ? 0 : value
}
