import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const run = promisify(execFile)
const Manifest = z.object({ dependencies: z.record(z.string(), z.string()).default({}) })
const Packed = z.array(z.object({ filename: z.string() }))

/**
 * Packs installed packages and all that they depend on, as the repository has them, into `out`: what a project elsewhere
 * installs without asking a registry. Answers the tarballs. Of a package that is there in two versions, the outermost is packed.
 */
export async function packInstalled(root: string, names: string[], out: string): Promise<string[]> {
  const folders = new Map<string, string>()
  const visit = (name: string, from: string): void => {
    if (folders.has(name)) return
    const folder = findPackage(name, from)
    folders.set(name, folder)
    const { dependencies } = Manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
    for (const dependency of Object.keys(dependencies)) visit(dependency, folder)
  }
  for (const name of names) visit(name, root)
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', out, ...folders.values()]
  const { stdout } = await run('npm', args, { cwd: out, maxBuffer: 64 * 1024 * 1024 })
  return Packed.parse(JSON.parse(stdout)).map(({ filename }) => join(out, filename))
}

function findPackage(name: string, from: string): string {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name)
    if (existsSync(join(folder, 'package.json'))) return folder
    if (at === dirname(at)) throw new Error(`${name} is not installed.`)
  }
}
