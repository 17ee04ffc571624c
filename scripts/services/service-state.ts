import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { StartError } from '#scripts/start-error.ts'

/** Reads a JSON file written by `writePrivateJson`; null when there is none. A damaged file is an error in words. */
export function readPrivateJson<T extends z.ZodType>(path: string, schema: T): z.infer<T> | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new StartError(`Cannot read ${path}: ${(error as Error).message}.`)
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    throw new StartError(`${path} is damaged; restore it from a backup.`)
  }
}

/** Writes a file only its owner can read, in one step: a crash leaves the old content or the new, never half of it. */
export function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.tmp`
  rmSync(draft, { force: true })
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' })
  chmodSync(draft, 0o600)
  renameSync(draft, path)
}

export function writePrivateJson(path: string, value: unknown): void {
  writePrivate(path, `${JSON.stringify(value, null, 2)}\n`)
}
