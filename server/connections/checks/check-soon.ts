import { afterCommit, type Db } from '#server/db/with-actor.ts'
import { hintChecks } from './hint.ts'

/** Has one connection checked at once: what its user gives the server has changed. */
export async function checkConnectionSoon(db: Db, id: string): Promise<void> {
  await db.$executeRaw`UPDATE connections SET next_check_at = clock_timestamp() WHERE id = ${id}::uuid`
  afterCommit(hintChecks)
}

/** Has the connections of a server checked at once rather than when it is their turn: what runs there has changed. */
export async function checkSoon(db: Db, serverId: string): Promise<void> {
  await db.$executeRaw`
    UPDATE connections SET next_check_at = clock_timestamp()
    WHERE server_id = ${serverId}::uuid AND state <> 'disconnected' AND next_check_at > clock_timestamp()`
  afterCommit(hintChecks)
}
