import { readFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, writeFileAtomic } from '#dtma/state/atomic-file.ts'
import { readStartTicks } from './process-table.ts'

/** Names one process for ever: a pid alone is used again. `startTicks` is null where there is no `/proc`. */
const ProcessNote = z.object({
  pid: z.int().positive(),
  startTicks: z.number().nullable(),
  machineBoot: z.string(),
})
export type ProcessNote = z.infer<typeof ProcessNote>

export function processNote(pid: number): ProcessNote {
  return { pid, startTicks: readStartTicks(pid), machineBoot: machineBoot() }
}

export function parseProcessNote(text: string): ProcessNote | null {
  try {
    const parsed = ProcessNote.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** Whether that very process still runs. */
export function isSameProcess(note: ProcessNote): boolean {
  if (note.machineBoot !== machineBoot() || readStartTicks(note.pid) !== note.startTicks) return false
  try {
    process.kill(note.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Notes a process on disk, so that the agent's next run can end it. `name` is `<instance>.<role>`. */
export async function notePid(folder: string, name: string, pid: number): Promise<void> {
  await writeFileAtomic(join(folder, `${name}.json`), JSON.stringify(processNote(pid)))
}

export async function forgetPid(folder: string, name: string): Promise<void> {
  await rm(join(folder, `${name}.json`), { force: true })
}

/** Noted processes that still run. Notes of others are deleted. */
export async function notedPids(folder: string): Promise<{ name: string; pid: number }[]> {
  const alive: { name: string; pid: number }[] = []
  for (const file of await readdir(folder)) {
    const path = join(folder, file)
    const note = parseProcessNote((await readFileIfThere(path)) ?? '')
    if (note !== null && isSameProcess(note)) {
      alive.push({ name: file.replace(/\.json$/, ''), pid: note.pid })
    } else await rm(path, { force: true })
  }
  return alive
}

function machineBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
