import { Redis } from 'ioredis'
import pg from 'pg'
import { StartError } from '#scripts/start-error.ts'
import { connectionFailure } from '#server/db/connection-failure.ts'

const TIMEOUT_MS = 8_000

/** Throws `StartError` with one line unless this URL lets us into a Postgres. `variable` is the name the person set. */
export async function checkDatabaseUrl(url: string, variable: string): Promise<void> {
  try {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: TIMEOUT_MS })
    client.on('error', () => undefined)
    await client.connect()
    await client.end()
  } catch (error) {
    throw new StartError(`${variable} does not work: ${connectionFailure(url, error)}.`)
  }
}

/** Throws `StartError` with one line unless this URL lets us into a Redis. */
export async function checkRedisUrl(url: string, variable: string): Promise<void> {
  let cause: Error | undefined
  try {
    const client = new Redis(url, {
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectTimeout: TIMEOUT_MS,
      commandTimeout: TIMEOUT_MS,
    })
    // The reason arrives here; `connect` itself only says that the connection is closed.
    client.on('error', (error) => {
      cause ??= error
    })
    try {
      await client.connect()
      await client.ping()
    } finally {
      client.disconnect()
    }
  } catch (error) {
    throw new StartError(`${variable} does not work: ${redisFailure(url, cause ?? (error as Error))}.`)
  }
}

function redisFailure(url: string, error: Error): string {
  const place = new URL(url).host
  const { code, message } = (
    error instanceof AggregateError ? error.errors[0] : error
  ) as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return `${place}: nothing listens there`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `${place}: the host name is unknown`
  if (/WRONGPASS|NOAUTH/.test(message)) return `${place}: the password is wrong or missing`
  if (/ETIMEDOUT|timed out/i.test(`${code} ${message}`)) return `${place}: it does not answer`
  return `${place}: ${message}`
}
