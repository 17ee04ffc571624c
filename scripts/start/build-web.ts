import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endProcess } from '#scripts/processes/end-process.ts'
import { spawnService } from '#scripts/services/service-process.ts'
import { StartError } from '#scripts/start-error.ts'
import { lastWords } from './child.ts'
import { takeLock } from './lock.ts'
import type { Progress } from './progress.ts'

/** What the web application is made of. Tests are not part of it. */
const FOLDERS = ['app', 'client', 'contracts', 'mcp', 'protocol', 'public', 'server']
const FILES =
  /^(package(-lock)?\.json|tsconfig\.json|next\.config\.\w+|postcss\.config\.\w+|proxy\.ts|instrumentation[\w-]*\.ts)$/
const LEFT_OUT = /(\.test\.tsx?|\.md)$/

/**
 * Builds the web application unless the last build was made of the same sources, lock file and configuration (SHA-256 over
 * them all, kept inside the build). Builds of one checkout wait for each other. Throws `StartError` when it fails.
 */
export async function buildWeb(options: {
  root: string
  logFile: string
  env: NodeJS.ProcessEnv
  progress: Progress
  signal: AbortSignal
}): Promise<void> {
  const { root, logFile, env, progress, signal } = options
  if (isBuilt(root, env)) return
  const done = progress.step('Building the web application')
  const lock = await waitForLock(join(root, 'node_modules', '.toolberth-build.lock'), signal)
  try {
    const hash = buildHash(root, env)
    if (readStamp(root) !== hash) {
      // Without it an interrupted build would pass for the one before.
      rmSync(stampFile(root), { force: true })
      writeFileSync(logFile, '', { mode: 0o600 })
      await runBuild(root, logFile, env, signal)
      mkdirSync(join(root, '.next'), { recursive: true })
      writeFileSync(stampFile(root), hash)
    }
  } finally {
    lock.release()
  }
  done()
}

async function runBuild(
  root: string,
  logFile: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<void> {
  const build = await spawnService(process.execPath, ['node_modules/next/dist/bin/next', 'build'], {
    cwd: root,
    logFile,
    env: { ...env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
  })
  const abort = () => void endProcess(build.pid, { group: true })
  signal.addEventListener('abort', abort)
  const { code } = await build.exited
  signal.removeEventListener('abort', abort)
  signal.throwIfAborted()
  if (code !== 0)
    throw new StartError(`The web application does not build: ${lastWords(logFile)} (log: ${logFile})`)
}

async function waitForLock(path: string, signal: AbortSignal): Promise<{ release: () => void }> {
  for (;;) {
    const lock = await takeLock(path, 'next build')
    if ('release' in lock) return lock
    await sleep(300, undefined, { signal })
  }
}

const stampFile = (root: string): string => join(root, '.next', 'toolberth-build')

function isBuilt(root: string, env: NodeJS.ProcessEnv): boolean {
  return readStamp(root) === buildHash(root, env)
}

function readStamp(root: string): string | null {
  try {
    return readFileSync(stampFile(root), 'utf8')
  } catch {
    return null
  }
}

/** Hash of everything that goes into a build: file names and contents, and the variables that Next compiles in. */
export function buildHash(root: string, env: NodeJS.ProcessEnv): string {
  const files = readdirSync(root).filter((name) => FILES.test(name))
  for (const folder of FOLDERS) {
    if (!statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory()) continue
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && !LEFT_OUT.test(entry.name))
        files.push(join(entry.parentPath, entry.name).slice(root.length + 1))
    }
  }
  const sum = createHash('sha256')
  for (const file of files.sort()) {
    const content = readFileSync(join(root, file))
    sum.update(`${file}\0${content.length}\0`).update(content)
  }
  for (const name of Object.keys(env).sort()) {
    if (name.startsWith('NEXT_PUBLIC_')) sum.update(`${name}=${env[name]}\0`)
  }
  return sum.digest('hex')
}
