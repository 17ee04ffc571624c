import { describe, expect, it } from 'vitest'
import { isAlive } from '#scripts/processes/identity.ts'
import { runCommand } from './run-command.ts'

const never = new AbortController().signal
const node = (code: string) => ['node', '--eval', code]
/** Starts a grandchild, prints its pid, and lives until it is ended. */
const family = node(
  `const { pid } = require('node:child_process').spawn('sleep', ['60']); console.log(pid); setInterval(() => {}, 1000)`,
)

describe('runCommand', () => {
  it('answers exit code and output', async () => {
    const finished = await runCommand(
      node(`console.log('out'); console.error('err'); process.exitCode = 3`),
      {
        timeoutMs: 20_000,
        show: false,
        signal: never,
      },
    )
    expect(finished).toMatchObject({ code: 3, timedOut: false })
    expect(finished.output).toContain('out')
    expect(finished.output).toContain('err')
  })

  it('ends the whole group when the time is over', async () => {
    const finished = await runCommand(family, { timeoutMs: 1_500, show: false, signal: never })
    expect(finished.timedOut).toBe(true)
    expect(finished.code).not.toBe(0)
    expect(isAlive(Number(finished.output))).toBe(false)
  })

  it('ends the whole group when it is asked to', async () => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 500)
    const finished = await runCommand(family, { timeoutMs: 20_000, show: false, signal: abort.signal })
    expect(finished.timedOut).toBe(false)
    expect(isAlive(Number(finished.output))).toBe(false)
  })

  it('says when there is no such command', async () => {
    const missing = runCommand(['no-such-command'], { timeoutMs: 5_000, show: false, signal: never })
    await expect(missing).rejects.toThrow('ENOENT')
  })
})
