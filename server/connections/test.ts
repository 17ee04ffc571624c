import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectionTest, TestConnection } from '#contracts/agents.ts'
import type { UserCtx } from '#server/context.ts'
import { withActor } from '#server/db/with-actor.ts'
import { AppError } from '#server/errors.ts'
import { startConnectionTest } from './start-test.ts'
import { testView } from './view.ts'

/** 3 attempts of at most three stages of 10 s, and the waits between them. */
const WAIT_MS = 100_000
const POLL_MS = 150

/**
 * Tests a connection with a real handshake. With `wait` the answer is the finished test, passed or failed; without, a test that is
 * going on. Throws AppError NOT_FOUND, SERVER_NOT_RUNNING, ALREADY_CONNECTED, CREDENTIALS_MISSING, BAD_REQUEST.
 */
export async function testConnection({
  ctx,
  input,
  signal,
}: {
  ctx: UserCtx
  input: TestConnection
  signal?: AbortSignal | undefined
}): Promise<ConnectionTest> {
  const test = await startConnectionTest({ ctx, input })
  return input.wait ? awaitTest(ctx, test.id, signal) : test
}

/** Throws AppError NOT_FOUND. */
export async function getTest({
  ctx,
  input,
}: {
  ctx: UserCtx
  input: { id: string }
}): Promise<ConnectionTest> {
  return withActor(ctx.actor, async (db) => {
    const row = await db.connectionTest.findUnique({ where: { id: input.id } })
    if (!row) throw new AppError('NOT_FOUND', `no connection test ${input.id}`)
    return testView(row)
  })
}

/** Waits until a test has ended. Throws AppError PROBE_TIMEOUT when no worker made it in time. */
export async function awaitTest(ctx: UserCtx, id: string, signal?: AbortSignal): Promise<ConnectionTest> {
  const deadline = Date.now() + WAIT_MS
  while (Date.now() < deadline) {
    const test = await getTest({ ctx, input: { id } })
    if (test.finishedAt !== null) return test
    await sleep(POLL_MS, undefined, { signal })
  }
  throw new AppError('PROBE_TIMEOUT', `test ${id} did not end`, {
    detail: 'No worker made the test. Check that the worker runs.',
  })
}
