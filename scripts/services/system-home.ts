import { createHash } from 'node:crypto'
import { mkdirSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Where services keep what another system user must reach, since an installation's home admits nobody but its owner. */
export const SYSTEM_ROOT = '/var/lib/toolberth'

/**
 * `/var/lib/toolberth/<hash>` of one installation: the first 16 hex digits of the SHA-256 of its home's real path.
 * Two homes never share one, and the same home finds its own again.
 */
export function systemHome(home: string): string {
  return join(SYSTEM_ROOT, createHash('sha256').update(realPath(home)).digest('hex').slice(0, 16))
}

/** Makes the folder and its parents passable (0711) for service users, without making them listable. */
export function makeSystemHome(home: string): string {
  const path = systemHome(home)
  mkdirSync(path, { recursive: true, mode: 0o711 })
  return path
}

/** Removes a home with everything kept for it elsewhere. For temporary homes whose processes have ended. */
export function removeHome(home: string): void {
  rmSync(systemHome(home), { recursive: true, force: true })
  rmSync(home, { recursive: true, force: true })
}

/** A home that does not exist yet has the real path it will have once made. */
function realPath(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    const parent = dirname(absolute)
    return parent === absolute ? absolute : join(realPath(parent), absolute.slice(dirname(absolute).length))
  }
}
