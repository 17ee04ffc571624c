import { setTimeout as sleep } from 'node:timers/promises'
import { isSameProcess, type ProcessRecord, recordOf } from './identity.ts'

/** One step of ending a process: the signal, and how many milliseconds it may take to work. */
export type EndStep = { signal: NodeJS.Signals; waitMs: number }

export const POLITE: EndStep[] = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]

/**
 * Ends one process, by pid or by record, and waits until it is gone. A record whose pid belongs to another process by now
 * is left alone. With `group`, the signals go to its process group. Answers whether it is gone.
 */
export async function endProcess(
  target: number | ProcessRecord,
  { steps = POLITE, group = false }: { steps?: EndStep[]; group?: boolean } = {},
): Promise<boolean> {
  const record = typeof target === 'number' ? recordOf(target) : target
  if (record === null || !isSameProcess(record)) return true
  for (const { signal, waitMs } of steps) {
    if (!send(group ? -record.pid : record.pid, signal)) return !isSameProcess(record)
    if (await isGoneWithin(record, waitMs)) return true
  }
  return !isSameProcess(record)
}

async function isGoneWithin(record: ProcessRecord, waitMs: number): Promise<boolean> {
  const deadline = Date.now() + waitMs
  while (isSameProcess(record)) {
    if (Date.now() >= deadline) return false
    await sleep(20)
  }
  return true
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
