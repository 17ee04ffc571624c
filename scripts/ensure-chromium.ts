import { execFile, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { promisify } from 'node:util'
import { chromium } from '@playwright/test'
import { StartError } from './start-error.ts'

const run = promisify(execFile)
const SYSTEM_PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
]
const BY_HAND = 'run "npx playwright install chromium", or install your system\'s chromium'

/** Playwright's own Chromium when it is installed, else the system's; null when there is neither. */
export function findChromium(): string | null {
  return [chromium.executablePath(), ...SYSTEM_PATHS].find(isExecutable) ?? null
}

/**
 * Installs Debian's chromium with apt-get, said through `log`, when the machine has no Chromium. Throws `StartError` with the
 * line that says how to when it cannot: no apt-get, or neither root nor a sudo that asks nothing.
 */
export async function ensureChromium(log: (line: string) => void): Promise<void> {
  if (findChromium()) return
  if (!isExecutable('/usr/bin/apt-get')) throw new StartError(`Chromium is missing: ${BY_HAND}.`)
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  if (sudo.length > 0) {
    await run('sudo', ['-n', 'true']).catch(() => {
      throw new StartError(`Chromium is missing and installing it needs root: ${BY_HAND}.`)
    })
  }
  for (const step of [
    ['update', '-q'],
    ['install', '-y', '-q', '--no-install-recommends', 'chromium'],
  ]) {
    const command = [...sudo, 'apt-get', ...step]
    log(`Chromium is missing; running: ${command.join(' ')}`)
    await apt(command)
  }
  if (!findChromium())
    throw new StartError(`Chromium is missing and apt-get could not install it: ${BY_HAND}.`)
}

/** Whether it worked shows afterwards: an update that fails for one of several sources does not matter. */
function apt([command = '', ...args]: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
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
  try {
    await ensureChromium((line) => console.error(line))
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
