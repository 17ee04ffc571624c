import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSameProcess, type ProcessNote, parseProcessNote, processNote } from './drivers/process/pid-file.ts'
import { readFileIfThere } from './state/atomic-file.ts'

/**
 * Makes this process the only agent of its home; two would end each other's servers. A lock of a process that is gone is taken
 * over. Throws an Error in words when another agent runs. Answers how to release it.
 */
export async function lockHome(root: string): Promise<() => Promise<void>> {
  const path = join(root, 'agent.lock')
  const own = JSON.stringify(processNote(process.pid))
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await writeFile(path, own, { flag: 'wx', mode: 0o600 })
      return () => rm(path, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder: ProcessNote | null = parseProcessNote((await readFileIfThere(path)) ?? '')
    if (holder !== null && isSameProcess(holder)) {
      throw new Error(`Another agent (process ${holder.pid}) runs on ${root}.`)
    }
    const aside = `${path}.${randomUUID()}`
    await rename(path, aside).catch(() => {})
    await rm(aside, { force: true })
  }
  throw new Error(`The lock of ${root} could not be taken.`)
}
