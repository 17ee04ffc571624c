import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ServiceUser } from './service-user.ts'

/** How a child ended. */
export type ExitInfo = { code: number | null; signal: NodeJS.Signals | null }
export type ServiceProcess = { child: ChildProcess; pid: number; exited: Promise<ExitInfo> }

/**
 * Starts an executable with an argument array in a process group of its own (a Ctrl-C at the terminal goes to the
 * supervisor alone), its output appended to `logFile`: a file outlives a killed supervisor, a pipe does not.
 */
export async function spawnService(
  command: string,
  args: string[],
  {
    logFile,
    cwd,
    user,
    env,
  }: { logFile: string; cwd: string; user?: ServiceUser | null; env?: NodeJS.ProcessEnv },
): Promise<ServiceProcess> {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 })
  const output = openSync(logFile, 'a', 0o600)
  try {
    const child = spawn(command, args, {
      cwd,
      env: env ?? process.env,
      detached: true,
      stdio: ['ignore', output, output],
      ...(user ? { uid: user.uid, gid: user.gid } : {}),
    })
    const exited = new Promise<ExitInfo>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    return { child, pid: child.pid as number, exited }
  } finally {
    closeSync(output)
  }
}

/** The last lines of a log file, newest last, none from before the byte `from`; empty when there is no such file. */
export function lastLines(logFile: string, count: number, from = 0): string[] {
  try {
    const bytes = readFileSync(logFile)
    // Shorter than that: the rotation has emptied it meanwhile.
    const text = bytes
      .subarray(from <= bytes.length ? from : 0)
      .toString('utf8')
      .trimEnd()
    return text === '' ? [] : text.split('\n').slice(-count)
  } catch {
    return []
  }
}
