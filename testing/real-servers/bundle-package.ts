import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { z } from 'zod'

/** Where the packages of this repository are. */
export const INSTALLED = fileURLToPath(new URL('../../node_modules', import.meta.url))
const Manifest = z.looseObject({
  name: z.string(),
  version: z.string(),
  type: z.literal('module'),
  bin: z.record(z.string(), z.string()),
})

/**
 * A folder to pack below `out` that is the installed package with all that it depends on in its programs: the same name, version
 * and code, without the hundred packages whose installation takes longer than everything else. `files` are read as they run.
 */
export async function bundlePackage(name: string, out: string, files: string[] = []): Promise<string> {
  const from = join(INSTALLED, name)
  const { version, type, bin } = Manifest.parse(JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')))
  const folder = join(out, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, type, bin }))
  for (const program of Object.values(bin)) {
    const bundle = await rolldown({ input: join(from, program), platform: 'node', logLevel: 'silent' })
    await bundle.write({ dir: join(folder, dirname(program)), format: 'esm' })
    await bundle.close()
  }
  for (const file of files) {
    if (!existsSync(join(from, file))) throw new Error(`${name} has no ${file}.`)
    cpSync(join(from, file), join(folder, file), { recursive: true })
  }
  return folder
}

/** The version that is installed, as a deployment pins it. */
export function installedVersion(name: string): string {
  return Manifest.pick({ version: true }).parse(
    JSON.parse(readFileSync(join(INSTALLED, name, 'package.json'), 'utf8')),
  ).version
}
