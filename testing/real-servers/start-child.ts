import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { inject } from 'vitest'
import { until } from '#testing/faults/until.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { INSTALLED } from './bundle-package.ts'

/** Runs a program of an installed package (`package/path.js`) that serves HTTP on the loopback `port`; ready when answered. */
export async function startChild(
  program: string,
  args: string[],
  port: number,
  env: Record<string, string> = {},
): Promise<{ stop(): Promise<void> }> {
  const child = spawn(process.execPath, [join(INSTALLED, program), ...args], {
    env: { NODE_ENV: 'production', PATH: process.env.PATH, ...env },
    stdio: 'ignore',
  })
  if (child.pid !== undefined) noteProcess(inject('runFolder'), child.pid)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await until(`${program} listens`, () => {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}.`)
    return fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1000) }).then(() => true)
  })
  return {
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
