import { randomBytes } from 'node:crypto'
import { chownSync, statSync } from 'node:fs'
import { writePrivate } from '#scripts/services/service-state.ts'
import { StartError } from '#scripts/start-error.ts'
import { readMasterKeys } from '#server/env.ts'

/** Puts a new key before those that the file holds. From now on values are sealed under it, and opened under all. */
export function addKey(file: string): void {
  replace(file, [randomBytes(32), ...readMasterKeys(file)])
}

/** Forgets every key but the first. */
export function dropEarlierKeys(file: string): void {
  replace(file, [readMasterKeys(file)[0]])
}

/** In one step, for its owner: the processes may run as somebody else than the one who rotates. */
function replace(file: string, keys: readonly Buffer[]): void {
  try {
    const { uid, gid } = statSync(file)
    writePrivate(file, keys.map((key) => `${key.toString('base64')}\n`).join(''))
    if (process.getuid?.() === 0) chownSync(file, uid, gid)
  } catch (error) {
    const { code = 'it failed' } = error as NodeJS.ErrnoException
    throw new StartError(
      `${file} cannot be replaced (${code}). Where it is mounted into a container, change it outside: see "Another master key" in the README.`,
    )
  }
}
