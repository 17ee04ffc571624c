// Runs before every command, on whatever Node the machine has and without any dependency: brings the dependencies and the
// generated database client up to date, and is silent when both are. Everything after it runs on the Node that npm installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const OLDEST_NODE = [20, 19]
const LOCK_WAIT_MS = 10 * 60_000

/** A failure that the person at the terminal can mend; one line. */
class BootstrapError extends Error {}

/**
 * @param {string} version of the running Node, "20.19.0"
 * @returns {string | null} what is wrong with it
 */
export function nodeProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null
  return `Toolberth needs Node ${OLDEST_NODE.join('.')} or newer to install itself; this is ${version}. Install a newer one from https://nodejs.org.`
}

/**
 * @param {string} root folder of the package
 * @param {(line: string) => void} log told what is done; not called when nothing is
 */
export function bootstrap(root, log) {
  const stamps = join(root, 'node_modules', '.toolberth-bootstrap.json')
  if (isUpToDate(root, readStamps(stamps))) return
  mkdirSync(dirname(stamps), { recursive: true })
  const release = takeLock(join(root, 'node_modules', '.toolberth-bootstrap.lock'), log)
  try {
    const done = readStamps(stamps)
    if (done.install !== installHash(root)) {
      log('Installing dependencies (about a minute the first time)')
      install(root)
      // After the install: npm may have written the lock file anew.
      done.install = installHash(root)
      delete done.generate
      writeFileSync(stamps, JSON.stringify(done))
    }
    if (existsSync(join(root, 'prisma', 'schema.prisma')) && !isGenerated(root, done)) {
      log('Generating the database client')
      generate(root)
      done.generate = generateHash(root)
      writeFileSync(stamps, JSON.stringify(done))
    }
  } finally {
    release()
  }
}

function isUpToDate(root, done) {
  if (!existsSync(join(root, 'node_modules', '.bin', 'node'))) return false
  if (done.install !== installHash(root)) return false
  return !existsSync(join(root, 'prisma', 'schema.prisma')) || isGenerated(root, done)
}

function isGenerated(root, done) {
  return (
    done.generate === generateHash(root) && existsSync(join(root, 'server', 'db', 'generated', 'client.ts'))
  )
}

function readStamps(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}

/** The lock file, and of package.json only what decides about packages: a new script is no reason to install. */
function installHash(root) {
  const { dependencies, devDependencies, optionalDependencies, overrides, allowScripts } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  const wanted = { dependencies, devDependencies, optionalDependencies, overrides, allowScripts }
  const host = `${process.platform}-${process.arch}`
  return hash([host, JSON.stringify(wanted), readIfThere(join(root, 'package-lock.json'))])
}

function generateHash(root) {
  const files = ['prisma/schema.prisma', 'prisma.config.ts', 'node_modules/prisma/package.json']
  return hash(files.map((file) => readIfThere(join(root, file))))
}

function hash(texts) {
  const sum = createHash('sha256')
  for (const text of texts) sum.update(`${text.length}:${text}`)
  return sum.digest('hex')
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** `npm install`, not `npm ci`: registries that hide other platforms' optional packages make the latter refuse the lock file. */
function install(root) {
  const npm = process.env.npm_execpath
  const args = ['install', '--include=dev', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error']
  // A partial install must not look like a finished one.
  const status = npm?.endsWith('.js')
    ? run(root, process.execPath, [npm, ...args])
    : run(root, process.platform === 'win32' ? 'npm.cmd' : 'npm', args)
  if (status !== 0) throw new BootstrapError('"npm install" failed; its messages are above.')
  const node = join(root, 'node_modules', '.bin', 'node')
  if (!existsSync(node) || run(root, node, ['--eval', '']) !== 0) {
    throw new BootstrapError(
      'The Node that the package "node" brings does not run; if install scripts are switched off (npm config ignore-scripts), allow them and run "npm install".',
    )
  }
}

/** Prisma looks for a schema engine although generating needs none; any executable satisfies it, and none is downloaded. */
function generate(root) {
  const node = join(root, 'node_modules', '.bin', 'node')
  const prisma = join(root, 'node_modules', 'prisma', 'build', 'index.js')
  const status = run(root, node, [prisma, 'generate', '--no-hints'], {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  })
  if (status !== 0) throw new BootstrapError('"prisma generate" failed; its messages are above.')
}

/** Everything goes to standard error: standard output belongs to the command that follows (`npm run demo -- --json`). */
function run(root, command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  })
  if (error) throw new BootstrapError(`Cannot run ${command}: ${error.message}`)
  return status
}

/** Two commands started at once on a fresh clone must not install into the same folder together. */
function takeLock(path, log) {
  const deadline = Date.now() + LOCK_WAIT_MS
  let said = false
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' })
      return () => rmSync(path, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw new BootstrapError(`Cannot write ${path}: ${error.message}`)
    }
    if (isStale(path)) {
      rmSync(path, { force: true })
      continue
    }
    if (!said) log('Waiting for another command that installs')
    said = true
    if (Date.now() > deadline)
      throw new BootstrapError(`Another command installs for too long; remove ${path} if none does.`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
}

function isStale(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    if (!pid) return Date.now() - statSync(path).mtimeMs > 5_000
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = nodeProblem(process.versions.node)
  try {
    if (problem) throw new BootstrapError(problem)
    bootstrap(dirname(dirname(fileURLToPath(import.meta.url))), (line) => process.stderr.write(`${line}\n`))
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
