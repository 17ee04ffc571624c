import { randomBytes } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, inject } from 'vitest'
import { createTestDatabase, type TestDatabase } from '#testing/database.ts'
import { createTestRedis, type TestRedis } from '#testing/redis.ts'

export type TestEnvironment = {
  database: TestDatabase
  redis: TestRedis
  /** A home of the suite's own, removed after the run. */
  home: string
}

/**
 * A database, a Redis, a home and a master key of the suite's own, put into `process.env`. Code reads its environment when it
 * is imported, so a suite awaits this first and imports what it tests afterwards:
 *
 *     const { database } = await useTestEnvironment()
 *     const { createDeployment } = await import('#server/deployments/create.ts')
 *
 * Redis and database go away after the suite's own `afterAll` hooks, which close what the suite opened.
 */
export async function useTestEnvironment(overrides: Record<string, string> = {}): Promise<TestEnvironment> {
  const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()])
  const home = mkdtempSync(join(inject('runFolder'), 'homes', 'suite-'))
  const masterKeyFile = join(home, 'master.key')
  writeFileSync(masterKeyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  Object.assign(process.env, {
    DATABASE_URL: database.appUrl,
    DATABASE_OWNER_URL: database.ownerUrl,
    REDIS_URL: redis.url,
    TOOLBERTH_HOME: home,
    MASTER_KEY_FILE: masterKeyFile,
    PUBLIC_URL: 'http://localhost:3000',
    GATEWAY_PUBLIC_URL: 'http://localhost:3100',
    // Nothing listens there: no test asks the real registry.
    MCP_REGISTRY_URL: 'http://127.0.0.1:9',
    HOST: '127.0.0.1',
    PORT: '3000',
    GATEWAY_PORT: '3100',
    LOG_LEVEL: 'silent',
    // Nothing listens there: no test talks to a real account.
    DIGITALOCEAN_API_URL: 'http://127.0.0.1:4',
    ...overrides,
  })
  afterAll(async () => {
    await redis.stop()
    await database.drop()
  })
  return { database, redis, home }
}
