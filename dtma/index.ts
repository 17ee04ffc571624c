import { startAgent } from './agent.ts'
import { readEnv } from './env.ts'
import { createLogger } from './logger.ts'
import { findLauncher } from './upgrade/launcher-link.ts'

/** A stop that takes longer than this has a hanging process; the next start ends what is left. */
const STOP_LIMIT_MS = 30_000

async function main(): Promise<void> {
  // Packages must be readable for their servers; what is secret is made with a mode of its own.
  process.umask(0o022)
  const env = readEnv(process.env)
  const logger = createLogger(env.LOG_LEVEL)
  const launcher = findLauncher(() => process.kill(process.pid, 'SIGTERM'))
  const starting = startAgent(env, logger, launcher)
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      logger.info({ signal }, 'stopping')
      setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref()
      starting
        .then((agent) => agent.stop())
        .then(
          () => process.exit(0),
          (error) => {
            logger.error({ err: error }, 'stop failed')
            process.exit(1)
          },
        )
    })
  }
  await starting
}

main().catch((error: NodeJS.ErrnoException) => {
  const text =
    error.code === 'EADDRINUSE'
      ? `Port ${process.env.DTMA_PORT ?? 7443} is in use (DTMA_PORT).`
      : error.message
  process.stderr.write(`dtma: ${text.replaceAll('\n', '\ndtma: ')}\n`)
  process.exit(1)
})
