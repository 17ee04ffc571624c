import { readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'

/** Builds kept beside the one that runs, to go back to by hand. */
const KEPT = 2

/** The build that `current` leads to. Throws when there is none. */
export function currentBuild(prefix: string): string {
  return basename(readlinkSync(join(prefix, 'current')))
}

/** Makes `build` the one that a later start begins with, in one step. */
export function makeCurrent(prefix: string, build: string): void {
  const temporary = join(prefix, `current.${process.pid}`)
  rmSync(temporary, { force: true })
  symlinkSync(join('versions', build), temporary)
  renameSync(temporary, join(prefix, 'current'))
}

/** Deletes builds but the given ones and a few others. */
export function pruneVersions(prefix: string, keep: readonly string[]): void {
  const others = readdirSync(join(prefix, 'versions')).filter((name) => !keep.includes(name))
  for (const name of others.slice(0, Math.max(0, others.length + keep.length - KEPT - 1)))
    rmSync(join(prefix, 'versions', name), { recursive: true, force: true })
}
