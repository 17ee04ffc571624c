import { execFile, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { StartError } from '#scripts/start-error.ts'

const run = promisify(execFile)

/** Package managers in the order asked for, with the argument lists that put `redis-server` on the machine. */
const INSTALLERS: { command: string; steps: string[][]; byHand: string }[] = [
  {
    command: 'apt-get',
    steps: [
      ['update', '-q'],
      ['install', '-y', '-q', '--no-install-recommends', 'redis-server'],
    ],
    byHand: 'apt-get install redis-server',
  },
  { command: 'dnf', steps: [['install', '-y', 'redis']], byHand: 'dnf install redis' },
  { command: 'apk', steps: [['add', '--no-cache', 'redis']], byHand: 'apk add redis' },
  { command: 'zypper', steps: [['--non-interactive', 'install', 'redis']], byHand: 'zypper install redis' },
  { command: 'pacman', steps: [['-Sy', '--noconfirm', 'redis']], byHand: 'pacman -S redis' },
]

/** Homebrew and /usr/local are not on every service's PATH. */
const EXTRA_FOLDERS = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']

/**
 * Path of a `redis-server` (or the compatible `valkey-server`). When the machine has none it is installed with the system's
 * package manager as root or through a sudo that asks nothing, unless `allowSystemInstall` is false; otherwise throws
 * `StartError` with the line that says how.
 */
export async function redisBinary(
  allowSystemInstall: boolean,
  log: (line: string) => void,
  extraFolders: string[] = EXTRA_FOLDERS,
): Promise<string> {
  const find = (name: string) => findExecutable(name, extraFolders)
  const present = find('redis-server') ?? find('valkey-server')
  if (present) return present
  const installer = INSTALLERS.find(({ command }) => find(command))
  const byHand =
    installer?.byHand ?? (process.platform === 'darwin' ? 'brew install redis' : 'your package manager')
  const advice = `install it (${byHand}), or set REDIS_URL to a Redis of your own`
  if (!allowSystemInstall) throw new StartError(`Redis is missing and --no-system-install is set: ${advice}.`)
  const prefix = installer ? await rootPrefix(find('sudo')) : null
  if (!installer || !prefix)
    throw new StartError(`Redis is missing and cannot be installed from here: ${advice}.`)
  for (const step of installer.steps) {
    const [command = '', ...args] = [...prefix, installer.command, ...step]
    log(`Redis is missing; running: ${[command, ...args].join(' ')}`)
    const code = await runQuietly(command, args)
    // An update that fails for one of several sources does not keep the install from working.
    if (code !== 0 && step !== installer.steps[0]) break
  }
  const installed = find('redis-server') ?? find('valkey-server')
  if (!installed)
    throw new StartError(`Redis is missing and ${installer.command} could not install it: ${advice}.`)
  return installed
}

function findExecutable(name: string, extraFolders: string[]): string | null {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...extraFolders]) {
    if (!folder) continue
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // Not in this folder.
    }
  }
  return null
}

/** What to put before a command to run it as root; null when that is not possible without asking. */
async function rootPrefix(sudo: string | null): Promise<string[] | null> {
  if (process.getuid?.() === 0) return []
  if (!sudo) return null
  return run(sudo, ['-n', 'true']).then(
    () => [sudo, '-n'],
    () => null,
  )
}

/** Exit code; the output is of no use to who only wants a Redis. */
function runQuietly(command: string, args: string[]): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    child.once('error', () => resolve(null))
    child.once('exit', resolve)
  })
}
