import { open, readFile, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { z } from 'zod'
import { InstanceFailure } from '#dtma/drivers/driver.ts'

const PackageJson = z.object({
  name: z.string(),
  version: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]).optional(),
})

export type ChosenBin = {
  /** Absolute path of the file. */
  path: string
  /** Run by Node, or a program of its own (another interpreter in its first line). */
  runBy: 'node' | 'itself'
  version: string
}

/** An executable by its name and its path within the package. */
export type BinChoice = { name: string; path: string; version: string }

/**
 * The executable of a package by its package.json: the one asked for, the only one, or the one named like the package.
 * Throws InstanceFailure PACKAGE_HAS_NO_BIN with the names there are.
 */
export function binOfManifest(text: string, packageName: string, wanted: string | undefined): BinChoice {
  const manifest = PackageJson.parse(JSON.parse(text))
  const unscoped = packageName.replace(/^@[^/]+\//, '')
  const bins = typeof manifest.bin === 'string' ? { [unscoped]: manifest.bin } : (manifest.bin ?? {})
  const name = pickBin(Object.keys(bins), unscoped, wanted)
  if ('problem' in name) throw new InstanceFailure('PACKAGE_HAS_NO_BIN', `${packageName}: ${name.problem}`)
  return { name: name.picked, path: bins[name.picked] ?? '', version: manifest.version }
}

/** The executable of an installed package. Throws InstanceFailure PACKAGE_HAS_NO_BIN. */
export async function chooseBin(
  packageFolder: string,
  packageName: string,
  wanted: string | undefined,
): Promise<ChosenBin> {
  const root = join(packageFolder, 'node_modules', packageName)
  const manifest = await readFile(join(root, 'package.json'), 'utf8')
  const chosen = binOfManifest(manifest, packageName, wanted)
  const path = await realpath(join(root, chosen.path)).catch(() => null)
  const inside = path?.startsWith((await realpath(packageFolder)) + sep)
  if (path === null || !inside) {
    throw new InstanceFailure(
      'PACKAGE_HAS_NO_BIN',
      `The file of "${chosen.name}" is missing in ${packageName}.`,
    )
  }
  return { path, runBy: await interpreter(path), version: chosen.version }
}

export function pickBin(
  names: string[],
  unscoped: string,
  wanted: string | undefined,
): { picked: string } | { problem: string } {
  const there = `It has ${names.map((name) => `"${name}"`).join(', ')}.`
  if (names.length === 0) return { problem: 'The package has no executable.' }
  if (wanted !== undefined) {
    return names.includes(wanted) ? { picked: wanted } : { problem: `No executable "${wanted}". ${there}` }
  }
  if (names.length === 1) return { picked: names[0] as string }
  if (names.includes(unscoped)) return { picked: unscoped }
  return { problem: `The package has several executables; name one. ${there}` }
}

async function interpreter(path: string): Promise<'node' | 'itself'> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0)
    return interpreterOf(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

/** By the first bytes of the file. */
export function interpreterOf(head: Buffer): 'node' | 'itself' {
  const start = head.toString('latin1')
  if (start.startsWith('\x7fELF')) return 'itself'
  const line = /^#!([^\n]*)/.exec(start)?.[1]
  return line === undefined || /\bnode\b/.test(line) ? 'node' : 'itself'
}
