import { readdirSync, readFileSync } from 'node:fs'
import { descendantsOf } from '#scripts/processes/descendants.ts'

/** Clock ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const TICK_MS = 10

/** What processes and all below them have used. Linux only. */
export interface Usage {
  cpuMs: number
  memoryMb: number
  processes: number
  files: number
}

export function usageOf(pids: readonly number[]): Usage {
  const all = [...new Set([...pids, ...descendantsOf([...pids])])]
  const usage = { cpuMs: 0, memoryMb: 0, processes: 0, files: 0 }
  for (const pid of all) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name may have spaces and brackets; fields 14 and 15 are counted from behind it.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      usage.cpuMs += (Number(fields[11]) + Number(fields[12])) * TICK_MS
      usage.memoryMb +=
        Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
      usage.files += readdirSync(`/proc/${pid}/fd`).length
      usage.processes += 1
    } catch {
      // It has ended.
    }
  }
  return usage
}
