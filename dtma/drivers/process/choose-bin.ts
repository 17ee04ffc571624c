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

/**
 * The executable of an installed package: the one asked for, the only one, or the one named like the package.
 * Throws InstanceFailure PACKAGE_HAS_NO_BIN with the names there are.
 */
export async function chooseBin(
  packageFolder: string,
  packageName: string,
  wanted: string | undefined,
): Promise<ChosenBin> {
  const root = join(packageFolder, 'node_modules', packageName)
  const manifest = PackageJson.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const unscoped = packageName.replace(/^@[^/]+\//, '')
  const bins = typeof manifest.bin === 'string' ? { [unscoped]: manifest.bin } : (manifest.bin ?? {})
  const name = pickBin(Object.keys(bins), unscoped, wanted)
  if ('problem' in name) throw new InstanceFailure('PACKAGE_HAS_NO_BIN', `${packageName}: ${name.problem}`)
  const path = await realpath(join(root, bins[name.picked] ?? '')).catch(() => null)
  const inside = path?.startsWith((await realpath(packageFolder)) + sep)
  if (path === null || !inside) {
    throw new InstanceFailure(
      'PACKAGE_HAS_NO_BIN',
      `The file of "${name.picked}" is missing in ${packageName}.`,
    )
  }
  return { path, runBy: await interpreter(path), version: manifest.version }
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
    const start = buffer.subarray(0, bytesRead).toString('latin1')
    if (start.startsWith('\x7fELF')) return 'itself'
    const line = /^#!([^\n]*)/.exec(start)?.[1]
    return line === undefined || /\bnode\b/.test(line) ? 'node' : 'itself'
  } finally {
    await file.close()
  }
}
