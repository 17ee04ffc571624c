import { join } from 'node:path'
import { startPostgres } from '#scripts/services/postgres.ts'
import { startRedis } from '#scripts/services/redis.ts'
import { homePaths } from './home.ts'
import type { StartOptions } from './options.ts'
import type { UnitSpec } from './unit.ts'

/** How to reach what the units started; filled in by their first start and the same after every restart. */
export type ServiceUrls = { database: string; owner: string; redis: string }

/** Postgres and Redis of our own, those of the two that were not brought along. */
export function serviceUnits(
  options: StartOptions,
  log: (line: string) => void,
): { units: { title: string; spec: UnitSpec }[]; urls: ServiceUrls } {
  const paths = homePaths(options.home)
  const urls: ServiceUrls = {
    database: options.database?.appUrl ?? '',
    owner: options.database?.ownerUrl ?? '',
    redis: options.redisUrl ?? '',
  }
  const units: { title: string; spec: UnitSpec }[] = []
  if (!options.database) {
    let port: number | undefined
    const logFile = join(paths.logs, 'postgres.log')
    const start = async () => {
      const postgres = await startPostgres({
        dataDir: paths.postgres,
        log,
        logFile,
        ...(port ? { port } : {}),
      })
      port = postgres.port
      urls.database = postgres.appUrl
      urls.owner = postgres.ownerUrl
      return postgres
    }
    units.push({ title: 'Postgres', spec: { name: 'postgres', logFile, start, force: 'SIGQUIT' } })
  }
  if (!options.redisUrl) {
    let port: number | undefined
    const logFile = join(paths.logs, 'redis.log')
    const { allowSystemInstall } = options
    const start = async () => {
      const redis = await startRedis({
        dir: paths.redis,
        log,
        logFile,
        allowSystemInstall,
        ...(port ? { port } : {}),
      })
      port = redis.port
      urls.redis = redis.url
      return redis
    }
    units.push({ title: 'Redis', spec: { name: 'redis', logFile, start, force: 'SIGKILL' } })
  }
  return { units, urls }
}
