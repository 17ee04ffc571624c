import { checkDatabaseRole } from './db/check-role.ts'
import { EnvError, env } from './env.ts'
import { endStreams } from './events/streams.ts'
import { logger } from './logger.ts'
import { masterKey } from './secrets/keyring.ts'

/** What web does once before its first request: refuses a wrong environment, and ends streams when it is told to stop. */
export async function startWeb(): Promise<void> {
  if (process.env.NEXT_PHASE === 'phase-production-build') return
  try {
    masterKey()
    // next-auth takes its own address, and whether cookies are secure, from here.
    process.env.NEXTAUTH_URL ??= env.PUBLIC_URL
    await checkDatabaseRole()
  } catch (error) {
    if (!(error instanceof EnvError)) throw error
    logger.fatal(error.message)
    process.exit(1)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, endStreams)
}
