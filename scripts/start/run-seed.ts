import { execFile } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { z } from 'zod'
import { StartError } from '#scripts/start-error.ts'
import { readable } from './log-file.ts'
import { SeedResult } from './seed-process.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('seed-process.ts', import.meta.url))

/** Creates what an installation needs to be used: admin, API key, local toolbox, identities. Idempotent. */
export async function runSeed(options: {
  root: string
  home: string
  env: NodeJS.ProcessEnv
  logs: string
  signal: AbortSignal
}): Promise<z.infer<typeof SeedResult>> {
  const { root, home, env, logs, signal } = options
  const logFile = join(logs, 'seed.log')
  try {
    const { stdout, stderr } = await run(process.execPath, [PROGRAM, home], {
      cwd: root,
      env,
      signal,
      timeout: 60_000,
    })
    if (stderr) appendFileSync(logFile, stderr, { mode: 0o600 })
    return SeedResult.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
  } catch (error) {
    signal.throwIfAborted()
    const {
      stderr = '',
      stdout = '',
      message,
    } = error as { stderr?: string; stdout?: string; message: string }
    appendFileSync(logFile, `${message}\n${stdout}\n${stderr}\n`, { mode: 0o600 })
    const lines = stderr.split('\n').filter((line) => /\w*Error\b.*:/.test(line))
    throw new StartError(
      `The first data could not be written: ${readable(lines[0] ?? message.split('\n')[0] ?? '')} (log: ${logFile})`,
    )
  }
}
