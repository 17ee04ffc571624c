import { loadGatewayRights, readRightsVersion, touchAgent } from '#server/agents/gateway-rights.ts'
import { checkDatabaseRole } from '#server/db/check-role.ts'
import { closeDatabase } from '#server/db/client.ts'
import { EnvError, env } from '#server/env.ts'
import { logger } from '#server/logger.ts'
import { closeRedis, openSubscriber, redis, redisKey } from '#server/redis.ts'
import { loadControlIdentity } from '#server/toolboxes/identities.ts'
import { listToolboxesToVerify, recordDialBack } from '#server/toolboxes/verify.ts'
import { createGateway } from './create-gateway.ts'
import { startDialBack } from './dial-back.ts'

async function start(): Promise<() => Promise<void>> {
  await checkDatabaseRole()
  const identity = await loadControlIdentity('gateway')
  const gateway = await createGateway({
    host: env.HOST,
    port: env.GATEWAY_PORT,
    publicUrls: [env.GATEWAY_PUBLIC_URL, env.PUBLIC_URL],
    rights: { load: loadGatewayRights, readVersion: readRightsVersion },
    touchAgent,
    redis: redis(),
    subscriber: openSubscriber(),
    keyPrefix: redisKey('gateway'),
    identity,
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

try {
  const stop = await start()
  let stopping: Promise<void> | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stopping ??= stop()
    })
  }
} catch (error) {
  if (error instanceof EnvError) process.stderr.write(`${error.message}\n`)
  else logger.fatal({ err: error }, 'the gateway cannot start')
  process.exit(1)
}
