import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, vi } from 'vitest'
import { isAlive } from '#scripts/processes/identity.ts'

const runFolderModule = join(import.meta.dirname, 'run-folder.ts')

/** A test run in small: a folder, and one noted process that would live on. Prints both. */
const program = `
  import { spawn } from 'node:child_process'
  import { noteProcess, openRunFolder } from ${JSON.stringify(runFolderModule)}
  const { folder } = openRunFolder()
  const child = spawn('sleep', ['120'], { detached: true, stdio: 'ignore' })
  noteProcess(folder, child.pid)
  console.log(JSON.stringify({ folder, pid: child.pid }))
  setInterval(() => {}, 1000)
`

describe('a test run that is ended from outside', () => {
  it.for(['SIGINT', 'SIGKILL'] as const)('leaves neither process nor folder after %s', async (signal) => {
    const run = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(run.stdout), 'line')) as [string]
    const { folder, pid } = JSON.parse(line) as { folder: string; pid: number }
    expect(existsSync(folder)).toBe(true)
    expect(isAlive(pid)).toBe(true)

    run.kill(signal)

    await vi.waitFor(
      () => {
        expect(isAlive(pid)).toBe(false)
        expect(existsSync(folder)).toBe(false)
      },
      { timeout: 20_000, interval: 50 },
    )
  })
})
