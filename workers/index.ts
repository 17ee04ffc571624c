import { checkDatabaseRole } from '#server/db/check-role.ts'
import { closeDatabase } from '#server/db/client.ts'
import { closeDtmaClients } from '#server/dtma/client.ts'
import { EnvError } from '#server/env.ts'
import { logger } from '#server/logger.ts'
import { startRelay } from '#server/queues/relay.ts'
import { closeRedis } from '#server/redis.ts'
import { masterKey } from '#server/secrets/keyring.ts'
import { checkOnHint } from './connection-checks.ts'
import { startConnectionTestWorker } from './connection-test.ts'
import { startDropletWorker } from './droplet.ts'
import { reconcileOnHint } from './on-hint.ts'
import { startProvisionWorker } from './provision.ts'
import { startRecurring } from './recurring.ts'

/** Work in hand gets so long to end; what is cut off is taken up again by another worker. */
const SHUTDOWN_MS = 8_000

try {
  masterKey()
  await checkDatabaseRole()
} catch (error) {
  logger.fatal(error instanceof EnvError ? error.message : { err: error })
  process.exit(1)
}

const workers = [startProvisionWorker(), startConnectionTestWorker(), startDropletWorker()]
const stops = [startRecurring(), reconcileOnHint(), checkOnHint(), startRelay()]
await Promise.all(workers.map((worker) => worker.waitUntilReady()))
logger.info('worker ready')

let stopping = false
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    if (stopping) return
    stopping = true
    void stop()
  })

async function stop(): Promise<void> {
  setTimeout(() => process.exit(0), SHUTDOWN_MS).unref()
  await Promise.all([...workers.map((worker) => worker.close()), ...stops.map((end) => end())])
  await Promise.all([closeDtmaClients(), closeDatabase(), closeRedis()])
  logger.info('worker stopped')
  process.exit(0)
}
