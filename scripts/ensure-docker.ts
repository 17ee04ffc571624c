import { execFileSync, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What a test engine is made with, and the packages of Debian and its kin that have it. */
const PROGRAMS = ['dockerd', 'containerd', 'ip', 'iptables', 'nsenter', 'unshare']
const PACKAGES = ['docker.io', 'iproute2', 'iptables', 'util-linux']
/** Where Debian's package of the distribution project puts its registry of images. */
export const REGISTRY_PROGRAM = '/usr/bin/docker-registry'
const REGISTRY_PACKAGE = 'docker-registry'
const APT = '/usr/bin/apt-get'

/** Why no container engine of our own can be started here, in one line; null when it can. */
export function engineUnavailable(): string | null {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (process.getuid?.() !== 0) return 'starting a container engine needs root'
  const missing = PROGRAMS.filter((name) => !isOnPath(name))
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`
  try {
    // In many containers root may make no namespaces.
    execFileSync('unshare', ['--net', '--mount', 'true'], { stdio: 'ignore' })
    return null
  } catch {
    return 'this machine allows no network namespaces'
  }
}

/**
 * Installs a container engine and an image registry for the tests, whichever is missing, with apt-get where that may be done: as
 * root, in CI or when asked with `TOOLBERTH_INSTALL_DOCKER=1`. Tests start engines of their own, whatever the package starts.
 * Answers why the tests of containers cannot run, or null.
 */
export async function ensureDocker(log: (line: string) => void): Promise<string | null> {
  const reason = engineUnavailable()
  const engine = reason?.startsWith('not installed') ? PACKAGES : []
  // Beside an engine of whatever origin, which Debian's would remove, the registry alone.
  const registry = (reason === null || engine.length > 0) && !isExecutable(REGISTRY_PROGRAM)
  const packages = registry ? [...engine, REGISTRY_PACKAGE] : engine
  if (packages.length === 0) return reason
  const asked = process.env.CI === 'true' || process.env.TOOLBERTH_INSTALL_DOCKER === '1'
  if (!asked) return reason && `${reason} (TOOLBERTH_INSTALL_DOCKER=1 installs it with apt-get)`
  if (!isExecutable(APT)) return reason && `${reason}, and there is no apt-get to install it with`
  for (const args of [
    ['update', '-q'],
    ['install', '-y', '-q', '--no-install-recommends', ...packages],
  ]) {
    log(`Missing for the tests of containers: ${packages.join(', ')}; running: apt-get ${args.join(' ')}`)
    await apt(args)
  }
  return engineUnavailable()
}

/** Whether it worked shows afterwards: an update that fails for one of several sources does not matter. */
function apt(args: string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(APT, args, {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
}

function isOnPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

if (import.meta.main) {
  const reason = await ensureDocker((line) => console.error(line))
  if (reason !== null) console.error(`Tests of containers cannot run here: ${reason}.`)
  process.exitCode = reason === null ? 0 : 1
}
