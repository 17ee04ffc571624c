import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionDetail } from '#contracts/agents.ts'
import { getConnection } from '#server/connections/detail.ts'
import { systemCtx, type UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { hintChecks } from './hint.ts'

/** All stages of a check, another before it at the same toolbox, and the pace of the recurring job. */
const WAIT_MS = 90_000
const POLL_MS = 150

/**
 * Checks one's own connection now and answers with what came of it: `state`, `failure` and `latencyMs`. A check that goes on already
 * is waited for. Throws AppError NOT_FOUND, CONFLICT (disconnected), SERVER_NOT_RUNNING, PROBE_TIMEOUT when no worker made it.
 */
export async function retestConnection({
  ctx,
  input,
  signal,
}: {
  ctx: UserCtx
  input: { id: string }
  signal?: AbortSignal | undefined
}): Promise<ConnectionDetail> {
  const before = await getConnection({ ctx, input })
  if (before.state === 'disconnected')
    throw new AppError('CONFLICT', `connection ${input.id} is disconnected`, {
      detail: 'It was disconnected. Connect the agent anew.',
    })
  const asked = await withActor(
    systemCtx('connection-check').actor,
    (db) => db.$executeRaw`
      UPDATE connections c SET next_check_at = clock_timestamp() FROM mcp_servers s
      WHERE c.id = ${input.id}::uuid AND s.id = c.server_id AND s.desired = 'running' AND s.live_instance_id IS NOT NULL`,
  )
  if (asked === 0)
    throw new AppError('SERVER_NOT_RUNNING', `server of ${input.id} does not run`, {
      detail: `${before.server.name} is ${before.server.state}.`,
    })
  hintChecks()
  const deadline = Date.now() + WAIT_MS
  while (Date.now() < deadline) {
    await sleep(POLL_MS, undefined, { signal })
    const now = await getConnection({ ctx, input })
    if (now.lastTestedAt !== before.lastTestedAt || now.state === 'disconnected') return now
  }
  throw new AppError('PROBE_TIMEOUT', `check of ${input.id} did not end`, {
    detail: 'No worker made the check. Check that the worker runs.',
  })
}
