import { request } from 'node:https'
import pg from 'pg'

const TIMEOUT_MS = 3_000

/** Whether a GET of this http URL is answered with 200. */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' })
  await response.body?.cancel()
  return response.status === 200
}

/** Whether an agent's open health check is answered. Who answers is none of its business: trust is settled at enrolment. */
export function agentAnswers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { rejectUnauthorized: false, timeout: TIMEOUT_MS, agent: false }
    const call = request(`${url}/healthz`, options, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    call.once('timeout', () => call.destroy())
    call.once('error', () => resolve(false))
    call.end()
  })
}

/** The database's clock, in which heartbeats are recorded. */
export async function databaseTime(appUrl: string): Promise<Date> {
  const [row] = await asSystem<{ now: Date }>(appUrl, 'SELECT clock_timestamp() AS now', [])
  if (!row) throw new Error('no time')
  return row.now
}

/**
 * Whether the local toolbox is in use and was heard of since `since`: its state alone may be left from an earlier run.
 * An installation whose admin has removed it waits for none.
 */
export async function isLocalToolboxUp(appUrl: string, since: Date): Promise<boolean> {
  const rows = await asSystem<{ up: boolean }>(
    appUrl,
    `SELECT state IN ('active', 'draining') AND coalesce(last_heartbeat_at >= $1, false) AS up
       FROM toolboxes WHERE kind = 'local'`,
    [since],
  )
  return rows.every(({ up }) => up)
}

async function asSystem<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: TIMEOUT_MS })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('BEGIN READ ONLY')
    await client.query("SELECT set_config('app.actor_kind', 'system', true)")
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}
