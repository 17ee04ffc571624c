import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { EnvError } from '#server/env.ts'
import { savedAppUrl } from './services/postgres-cluster.ts'
import { checkDatabaseUrl } from './start/check-url.ts'
import { homePaths } from './start/home.ts'
import { StartError } from './start-error.ts'

const USAGE = `npm run rotate-key [-- options]

Makes a new master key and seals every stored secret under it, while Toolberth runs. What breaks off goes on when it is run again.
Everybody signs in anew afterwards, and droplets that are being made have to be made again.

  --dry-run    only says what is sealed under which key
  --finish     forgets the earlier keys, once nothing needs them any more
  --home DIR   the installation of npm start (TOOLBERTH_HOME, .toolberth)
  --help       this text

  MASTER_KEY_FILE and DATABASE_URL (as toolberth_app) name another installation.
`

const root = fileURLToPath(new URL('..', import.meta.url))
if (existsSync(`${root}.env`)) process.loadEnvFile(`${root}.env`)

/** Where the installation of `npm start` has what the environment does not name. Answers the URL of the database. */
function completeEnvironment(home: string): string {
  const paths = homePaths(home)
  process.env.MASTER_KEY_FILE ??= paths.masterKey
  const url = process.env.DATABASE_URL || savedAppUrl(paths.postgres)
  if (url === null) throw new StartError(`There is no installation in ${home}; name it with --home.`)
  process.env.DATABASE_URL = url
  // Nothing here uses it, and nothing starts without it.
  process.env.REDIS_URL ??= 'redis://127.0.0.1:6379'
  return url
}

try {
  const { values } = parseArgs({
    options: {
      'dry-run': { type: 'boolean', default: false },
      finish: { type: 'boolean', default: false },
      home: { type: 'string', default: process.env.TOOLBERTH_HOME ?? `${root}.toolberth` },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(USAGE)
  else {
    const url = completeEnvironment(values.home)
    await checkDatabaseUrl(url, 'DATABASE_URL')
    const { rotateKey } = await import('./rotate-key/rotate.ts')
    const { closeDatabase } = await import('#server/db/client.ts')
    try {
      await rotateKey({ dryRun: values['dry-run'], finish: values.finish }, (line) =>
        process.stdout.write(`${line}\n`),
      )
    } finally {
      await closeDatabase()
    }
  }
} catch (error) {
  if (!isPlain(error)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

/** What is said in one line: a wrong option or environment, something to do first, a database that is not there. */
function isPlain(error: unknown): error is Error {
  const code = String((error as NodeJS.ErrnoException | null)?.code)
  return error instanceof StartError || error instanceof EnvError || code.startsWith('ERR_PARSE_ARGS')
}
