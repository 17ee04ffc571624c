import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { findNpmCli } from '#dtma/drivers/process/npm-cli.ts'

/** `sneaky` looks like a user and is root. */
const PASSWD = `root:x:0:0::/root:/none
node:x:1000:1000::/home/node:/none
sneaky:x:0:0::/:/none
`
const GROUP = 'root:x:0:\nnode:x:1000:\n'
const require = createRequire(import.meta.url)
const Manifest = z.object({ dependencies: z.record(z.string(), z.string()).optional() })

/**
 * Makes a root file system from what is on this machine, for no image registry may be reached: Node, npm, the libraries they
 * need, our server in `/app`, and `@modelcontextprotocol/server-everything`. No shell.
 */
export function makeRootFilesystem(folder: string): void {
  for (const path of ['app', 'etc', 'home/node', 'tmp', 'usr/local/bin', 'usr/local/lib/node_modules']) {
    mkdirSync(join(folder, path), { recursive: true })
  }
  chmodSync(join(folder, 'tmp'), 0o1777)
  copyProgram(process.execPath, folder, '/usr/local/bin/node')
  copyProgram('/usr/bin/env', folder, '/usr/bin/env')
  writeFileSync(join(folder, 'etc/passwd'), PASSWD)
  writeFileSync(join(folder, 'etc/group'), GROUP)
  cpSync(fileURLToPath(new URL('server', import.meta.url)), join(folder, 'app'), { recursive: true })
  const npm = findNpmCli()
  if (npm !== null) {
    const from = dirname(dirname(npm))
    cpSync(from, join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true })
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'usr/local/bin/npm'))
  }
  copyPackage('@modelcontextprotocol/server-everything', folder, new Set())
}

/** With the libraries that `ldd` names. */
function copyProgram(program: string, folder: string, target: string): void {
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(?:=> |\t)(\/\S+) \(/g)
  for (const [, library = ''] of libraries) copyTo(library, join(folder, library))
  copyTo(program, join(folder, target))
  chmodSync(join(folder, target), 0o755)
}

function copyTo(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}

/** The package and, as our own `node_modules` are flat, everything that it needs. */
function copyPackage(name: string, folder: string, done: Set<string>): void {
  if (done.has(name)) return
  done.add(name)
  const from = (require.resolve.paths(name) ?? [])
    .map((path) => join(path, name))
    .find((path) => readManifest(path) !== null)
  if (from === undefined) return
  cpSync(from, join(folder, 'app/node_modules', name), { recursive: true, dereference: true })
  for (const needed of Object.keys(readManifest(from)?.dependencies ?? {})) copyPackage(needed, folder, done)
}

function readManifest(folder: string): z.infer<typeof Manifest> | null {
  try {
    return Manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
  } catch {
    return null
  }
}
