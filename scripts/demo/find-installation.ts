import { existsSync, readFileSync } from 'node:fs'
import { homePaths } from '#scripts/start/home.ts'
import { lockHolder } from '#scripts/start/lock.ts'
import { readOptions } from '#scripts/start/options.ts'
import { DemoError } from './demo-error.ts'

/** Where Toolberth runs, and an admin's API key for it. */
export type Installation = { url: string; apiKey: string }

/**
 * The installation that runs: by TOOLBERTH_URL and TOOLBERTH_API_KEY, else the one of TOOLBERTH_HOME, whose lock tells its
 * address. `root` is the repository's folder. Throws DemoError when there is no key.
 */
export function findInstallation(environment: NodeJS.ProcessEnv, root: string): Installation {
  const options = readOptions([], environment, root)
  if (options === 'help') throw new Error('no arguments were given')
  const { env, home, ports } = options
  const paths = homePaths(home)
  const running = env.PORT === undefined ? lockHolder(paths.lock)?.note : undefined
  const url = env.TOOLBERTH_URL ?? running ?? `http://localhost:${ports.web}`
  return { url: url.replace(/\/+$/, ''), apiKey: env.TOOLBERTH_API_KEY ?? readKey(paths.adminApiKey) }
}

function readKey(path: string): string {
  const key = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  if (key !== '') return key
  throw new DemoError(
    `There is no API key: TOOLBERTH_API_KEY is not set and ${path} does not exist.`,
    'Run "npm start" first, or add "-- --ephemeral" to have one started for this.',
  )
}
