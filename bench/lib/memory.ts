import { readFileSync } from 'node:fs'
import { descendantsOf } from '#scripts/processes/descendants.ts'

/** MiB of each process and all below it: resident memory, shared pages counted in each. Linux only. */
export function memoryOf(pids: Readonly<Record<string, number>>): Record<string, number> {
  const own = new Set(Object.values(pids))
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => {
      const below = descendantsOf([pid]).filter((one) => !own.has(one))
      return [name, Math.round([pid, ...below].reduce((sum, one) => sum + residentKb(one), 0) / 1024)]
    }),
  )
}

function residentKb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
