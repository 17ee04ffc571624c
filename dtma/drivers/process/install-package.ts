import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { NpmSource } from '#contracts/instances.ts'
import { InstanceFailure } from '#dtma/drivers/driver.ts'
import { createRedactor } from '#protocol/redact.ts'
import { sendSignal } from './end-processes.ts'
import { createPhaseReader, explainNpmFailure } from './npm-output.ts'
import { forgetPid, notePid } from './pid-file.ts'

/** Generous: a large package over a slow line. After it the registry is taken as hanging. */
const INSTALL_LIMIT_MS = 10 * 60_000
/** npm's JSON answer and its last log lines; more is not read again. */
const KEPT_OUTPUT_CHARS = 256 * 1024

/** Taken over from the agent's environment: the way to the registry, and nothing that is a secret of the installation. */
const PASSED_VARIABLES = [
  'PATH',
  'LANG',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'npm_config_registry',
  'npm_config_cafile',
  'NPM_CONFIG_REGISTRY',
  'NPM_CONFIG_CAFILE',
]

export type InstallOptions = {
  instanceId: string
  source: NpmSource
  /** Gets `node_modules`; holds a package.json already. */
  packageFolder: string
  npmCli: string
  /** npm's home and cache, shared by all installs. */
  npmFolder: string
  userConfig: string
  pidsFolder: string
  signal: AbortSignal
  onPhase(phase: string): void
}

/**
 * `npm install` of one package, without running any script of it. Throws InstanceFailure with npm's own words, or the signal's
 * reason when it aborts (nothing of npm is left then).
 */
export async function installPackage(options: InstallOptions): Promise<void> {
  options.signal.throwIfAborted()
  const { source } = options
  const child = spawn(process.execPath, [options.npmCli, 'install', ...npmInstallArguments(source)], {
    cwd: options.packageFolder,
    env: installEnvironment(options) as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(new InstanceFailure('PACKAGE_INSTALL_FAILED', error.message)))
    child.once('close', resolve)
  })
  ended.catch(() => undefined)
  const pidName = `${options.instanceId}.install`
  if (child.pid !== undefined) await notePid(options.pidsFolder, pidName, child.pid)
  const readPhase = createPhaseReader()
  let stdout = ''
  let stderr = ''
  let partial = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-KEPT_OUTPUT_CHARS)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-KEPT_OUTPUT_CHARS)
    const lines = (partial + text).split('\n')
    partial = lines.pop() ?? ''
    for (const line of lines) {
      const phase = readPhase(line)
      if (phase !== null) options.onPhase(phase)
    }
  })
  let timedOut = false
  const end = () => {
    if (child.pid !== undefined) sendSignal(-child.pid, 'SIGKILL')
  }
  const timer = setTimeout(() => {
    timedOut = true
    end()
  }, INSTALL_LIMIT_MS)
  options.signal.addEventListener('abort', end, { once: true })
  if (options.signal.aborted) end()
  let exitCode: number | null
  try {
    exitCode = await ended
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', end)
    await forgetPid(options.pidsFolder, pidName)
    await rm(join(options.npmFolder, 'cache', '_logs'), { recursive: true, force: true })
  }
  options.signal.throwIfAborted()
  if (timedOut) throw new InstanceFailure('PACKAGE_INSTALL_FAILED', 'npm was not done after 10 minutes.')
  if (exitCode === 0) return
  const failure = explainNpmFailure({ packageName: source.package, exitCode, stdout, stderr })
  throw new InstanceFailure(failure.code, createRedactor([]).text(failure.detail))
}

/** What follows `npm install`: no script of a package is run. */
export function npmInstallArguments(source: NpmSource): string[] {
  return [
    '--json',
    '--loglevel=silly',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--no-update-notifier',
    '--no-package-lock',
    '--omit=dev',
    // npm's default waits 10 and 60 s between tries; a person watches this installation.
    '--fetch-retries=3',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=5000',
    '--',
    source.version === undefined ? source.package : `${source.package}@${source.version}`,
  ]
}

/** Those of the agent's own variables that an install gets. */
export function passedVariables(): Record<string, string> {
  const passed = PASSED_VARIABLES.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(passed)
}

function installEnvironment(options: InstallOptions): Record<string, string> {
  return {
    ...passedVariables(),
    HOME: options.npmFolder,
    npm_config_cache: join(options.npmFolder, 'cache'),
    npm_config_userconfig: options.userConfig,
  }
}
