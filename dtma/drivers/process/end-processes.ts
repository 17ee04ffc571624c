import { setTimeout as sleep } from 'node:timers/promises'
import { type ProcessEntry, readProcessTable } from './process-table.ts'

/** Says which of all processes are meant; zombies are left out by the callers here, for they hold nothing but a pid. */
export type Membership = (table: ProcessEntry[]) => ProcessEntry[]

/** Time between SIGTERM and SIGKILL. */
export const GRACE_MS = 2_000
/** A process that SIGKILL does not end within this time hangs in the kernel. */
const KILL_LIMIT_MS = 20_000

export function livingMembers(membership: Membership): ProcessEntry[] {
  return membership(readProcessTable()).filter((entry) => !entry.zombie)
}

/**
 * Asks politely, then ends every member until none is left. `sweep` may kill all members in one step (against processes that fork
 * faster than they are listed); `asked` are those that get the SIGTERM, when not all. Throws when some survive SIGKILL.
 */
export async function endProcesses(
  membership: Membership,
  sweep?: () => Promise<void>,
  asked: Membership = membership,
): Promise<void> {
  signalAll(asked, 'SIGTERM')
  const graceEnd = Date.now() + GRACE_MS
  while (Date.now() < graceEnd) {
    if (livingMembers(membership).length === 0) return
    await sleep(25)
  }
  await killProcesses(membership, sweep)
}

/** The same without asking first. */
export async function killProcesses(membership: Membership, sweep?: () => Promise<void>): Promise<void> {
  const limit = Date.now() + KILL_LIMIT_MS
  for (let round = 1; ; round++) {
    // Stopped processes cannot fork while the rest are being killed.
    if (signalAll(membership, 'SIGSTOP') === 0) return
    signalAll(membership, 'SIGKILL')
    if (round >= 3) await sweep?.()
    await sleep(Math.min(20 * round, 200))
    if (Date.now() > limit) {
      const left = livingMembers(membership)
      if (left.length === 0) return
      throw new Error(`Processes ${left.map((entry) => entry.pid).join(', ')} do not end.`)
    }
  }
}

function signalAll(membership: Membership, signal: NodeJS.Signals): number {
  const members = livingMembers(membership)
  for (const { pid } of members) sendSignal(pid, signal)
  return members.length
}

/** A negative pid means the process group. Sending to what is gone is fine. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
