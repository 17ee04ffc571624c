import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Isolation } from '#dtma/drivers/driver.ts'

const run = promisify(execFile)

/** Programs of util-linux that lower what a process may do before it becomes the server; null where they are missing. */
export type Confinement = { prlimit: string | null; setpriv: string | null }

export type IsolationChoice =
  | { kind: Extract<Isolation, 'uid' | 'none'>; bwrap: null; confinement: Confinement }
  | { kind: 'bwrap'; bwrap: string; confinement: Confinement }

/**
 * How servers are kept apart on this machine: users of their own as root, else bubblewrap where it works, else not at all, and
 * that only when it was allowed. Null means refused.
 */
export async function chooseIsolation(allowNone: boolean): Promise<IsolationChoice | null> {
  const confinement = { prlimit: findProgram('prlimit'), setpriv: findProgram('setpriv') }
  if (process.platform === 'linux' && process.getuid?.() === 0)
    return { kind: 'uid', bwrap: null, confinement }
  const bwrap = findProgram('bwrap')
  if (bwrap !== null && (await works(bwrap))) return { kind: 'bwrap', bwrap, confinement }
  return allowNone ? { kind: 'none', bwrap: null, confinement } : null
}

/** User namespaces may be switched off although the program is there. */
async function works(bwrap: string): Promise<boolean> {
  const args = ['--unshare-pid', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', 'true']
  return run(bwrap, args, { timeout: 5_000 }).then(
    () => true,
    () => false,
  )
}

function findProgram(name: string): string | null {
  if (process.platform !== 'linux') return null
  return ['/usr/bin', '/bin', '/usr/local/bin'].map((folder) => `${folder}/${name}`).find(existsSync) ?? null
}
