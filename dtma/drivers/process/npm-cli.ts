import { existsSync, realpathSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'

/**
 * The machine's npm, as a script that any Node can run: the one that started us, the one on the PATH, or the one beside a Node.
 * Null when there is none.
 */
export function findNpmCli(env: NodeJS.ProcessEnv = process.env): string | null {
  const candidates: string[] = []
  if (env.npm_execpath !== undefined) candidates.push(env.npm_execpath)
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const folder of folders) candidates.push(join(folder, 'npm'))
  for (const node of [env.npm_node_execpath, process.execPath, ...folders.map((f) => join(f, 'node'))]) {
    if (node === undefined || !existsSync(node)) continue
    const prefix = dirname(dirname(realpathSync(node)))
    candidates.push(join(prefix, 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'))
    candidates.push(join(dirname(node), 'node_modules', 'npm', 'bin', 'npm-cli.js'))
  }
  for (const candidate of candidates) {
    if (!existsSync(candidate)) continue
    const script = realpathSync(candidate)
    if (basename(script) === 'npm-cli.js') return script
  }
  return null
}
