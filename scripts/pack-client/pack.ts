import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { bundleCode, bundleDeclarations } from './bundle.ts'
import { emitDeclarations } from './emit-declarations.ts'
import { manifestOf } from './manifest.ts'

const run = promisify(execFile)
const Packed = z.tuple([z.object({ filename: z.string() })])

/**
 * Builds the client as a package that other projects install: JavaScript and one declaration file under `out/client`, packed to
 * `out/toolberth-VERSION.tgz`. `root` is the repository's folder. Answers the path of the tarball.
 */
export async function packClient(root: string, out: string): Promise<string> {
  const folder = join(out, 'client')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'client'), { recursive: true })
  const declarations = mkdtempSync(join(tmpdir(), 'toolberth-declarations-'))
  try {
    await emitDeclarations(root, declarations)
    const packages = [
      ...(await bundleCode(root, join(folder, 'client'))),
      ...(await bundleDeclarations(declarations, join(folder, 'client'))),
    ]
    const manifest = manifestOf(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')), packages)
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  } finally {
    rmSync(declarations, { recursive: true, force: true })
  }
  copyFileSync(join(root, 'client/README.md'), join(folder, 'README.md'))
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', out]
  const { stdout } = await run('npm', args, { cwd: folder })
  const [{ filename }] = Packed.parse(JSON.parse(stdout))
  return join(out, filename)
}
