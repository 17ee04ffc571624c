import { loadGatewayRights, readRightsVersion, touchAgent } from '#server/agents/gateway-rights.ts'
import { logCalls } from '#server/calls/log.ts'
import { requestCheck } from '#server/connections/checks/request.ts'
import { openCredentials } from '#server/connections/open-credentials.ts'
import { checkDatabaseRole } from '#server/db/check-role.ts'
import { closeDatabase } from '#server/db/client.ts'
import { EnvError, env } from '#server/env.ts'
import { logger } from '#server/logger.ts'
import { closeRedis, openSubscriber, redis, redisKey } from '#server/redis.ts'
import { loadControlIdentity } from '#server/toolboxes/identities.ts'
import { listToolboxesToVerify, recordDialBack } from '#server/toolboxes/verify.ts'
import { createGateway } from './create-gateway.ts'
import { startDialBack } from './dial-back.ts'

/** Calls in hand get their time within this; what is left then is cut off. */
const SHUTDOWN_MS = 3_000

const fromBase64 = <T extends { ciphertext: string }>(one: T) => ({
  ...one,
  ciphertext: Buffer.from(one.ciphertext, 'base64'),
})

async function start(): Promise<() => Promise<void>> {
  await checkDatabaseRole()
  const identity = await loadControlIdentity('gateway')
  const gateway = await createGateway({
    host: env.HOST,
    port: env.GATEWAY_PORT,
    publicUrls: [env.GATEWAY_PUBLIC_URL, env.PUBLIC_URL],
    pagesUrl: env.PUBLIC_URL,
    rights: { load: loadGatewayRights, readVersion: readRightsVersion },
    openCredentials: ({ id, credentials }) => openCredentials(id, credentials.map(fromBase64)),
    touchAgent,
    redis: redis(),
    subscriber: openSubscriber(),
    keyPrefix: redisKey('gateway'),
    identity,
    logCalls,
    requestCheck,
    callsPerMinute: env.GATEWAY_CALLS_PER_MINUTE === 0 ? null : env.GATEWAY_CALLS_PER_MINUTE,
    metricsToken: env.METRICS_TOKEN ?? null,
    processMetrics: true,
    upstreamIdleMs: env.GATEWAY_IDLE_SECONDS * 1000,
    logger,
  })
  const dialBack = startDialBack({
    identity,
    list: () => listToolboxesToVerify('gateway'),
    record: recordDialBack,
    onError: (error) => logger.warn({ err: error }, 'dialling toolboxes back failed'),
  })
  logger.info({ host: env.HOST, port: gateway.port }, 'gateway is listening')
  return async () => {
    await Promise.all([gateway.close(), dialBack.stop()])
    await closeRedis()
    await closeDatabase()
  }
}

/** One line for what the person at the terminal can mend, everything for the rest. */
function explain(error: unknown): string | { err: unknown } {
  if (error instanceof EnvError) return error.message
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return `GATEWAY_PORT: port ${env.GATEWAY_PORT} on ${env.HOST} is in use`
  if (code === 'EACCES') return `GATEWAY_PORT: port ${env.GATEWAY_PORT} on ${env.HOST} may not be opened`
  return { err: error }
}

try {
  const stop = await start()
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      setTimeout(() => process.exit(0), SHUTDOWN_MS).unref()
      void stop().then(() => {
        logger.info('gateway stopped')
        process.exit(0)
      })
    })
  }
} catch (error) {
  logger.fatal(explain(error))
  process.exit(1)
}
