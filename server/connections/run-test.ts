import { z } from 'zod'
import { TestAttempt } from '#contracts/agents.ts'
import { ERROR_CATALOGUE, type Failure } from '#contracts/errors.ts'
import type { ProbeResult } from '#contracts/probe.ts'
import { systemCtx } from '#server/context.ts'
import type { Prisma } from '#server/db/generated/client.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { probeFailure } from '#server/dtma/probe-failure.ts'
import { probeInstance } from '#server/dtma/probe-instance.ts'
import { toFailure } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { logger } from '#server/logger.ts'
import { recordProbeOfUser } from '#server/mcp-servers/record-by-user.ts'
import { handshakeMs } from './handshake-ms.ts'
import { MAX_ATTEMPTS, retryDelay } from './retry-delay.ts'
import { openTestCredentials } from './test-credentials.ts'
import { watchEnded } from './watch-ended.ts'

const actor = systemCtx('connection-test').actor

/** What an attempt says to the queue. */
export type AttemptOutcome = 'ended' | { retry: Failure }

type Attempt = z.infer<typeof TestAttempt>
type Loaded = NonNullable<Awaited<ReturnType<typeof load>>>

/**
 * The next attempt of a connection test: a whole handshake, each stage timed and shown as it happens. Its number follows from the
 * rows, so an attempt that was cut off is made again, and a job that was lost in between goes on where the test was.
 */
export async function runTestAttempt({ testId }: { testId: string }): Promise<AttemptOutcome> {
  const loaded = await load(testId)
  if (!loaded || loaded.test.finishedAt) return 'ended'
  const { target } = loaded
  const ended = loaded.earlier.filter((one) => one.retryInMs !== null)
  const number = ended.length + 1
  const attempt: Attempt = {
    number,
    startedAt: new Date().toISOString(),
    stages: [],
    failure: null,
    retryInMs: null,
  }
  const attempts = [...ended, attempt]
  if (!target) {
    attempt.failure = toFailure('SERVER_NOT_RUNNING')
    await end(loaded, attempts, attempt.failure, null)
    return 'ended'
  }
  if (!(await save(loaded, attempts))) return 'ended'
  const watch = watchEnded(() => hasEnded(testId))
  // One write at a time, in the order of the stages; the last state always gets written.
  let writing: Promise<unknown> = Promise.resolve()
  const probe = await probeInstance(target.toolbox, target.instanceId, {
    signal: watch.signal,
    user: loaded.user,
    onStage: (report) => {
      const known = attempt.stages.find((stage) => stage.name === report.name)
      if (known) Object.assign(known, report)
      else attempt.stages.push({ ...report })
      const snapshot = structuredClone(attempts)
      writing = writing.then(() => save(loaded, snapshot)).catch(() => undefined)
    },
  })
    .catch((error: unknown) => notProbed(testId, error))
    .finally(watch.stop)
  await writing
  if (watch.signal.aborted) return 'ended'
  if (probe.ok) {
    await end(loaded, attempts, null, probe)
    return 'ended'
  }
  attempt.failure = probe.failure ? probeFailure(probe.failure) : toFailure('INTERNAL')
  const retry =
    !probe.failure?.definitive && ERROR_CATALOGUE[attempt.failure.code].retryable && number < MAX_ATTEMPTS
  if (retry) {
    attempt.retryInMs = retryDelay(testId, number)
    return (await save(loaded, attempts)) ? { retry: attempt.failure } : 'ended'
  }
  await end(loaded, attempts, attempt.failure, null)
  return 'ended'
}

/** A fault of ours is an attempt that failed, like any other: a test that throws must end as well. */
function notProbed(testId: string, error: unknown) {
  logger.error({ err: error, testId }, 'the probe of a connection test threw')
  return { ok: false, failure: null } as const
}

async function hasEnded(testId: string): Promise<boolean> {
  const row = await withActor(actor, (db) =>
    db.connectionTest.findUnique({ where: { id: testId }, select: { finishedAt: true } }),
  )
  return row === null || row.finishedAt !== null
}

async function load(testId: string) {
  return withActor(actor, async (db) => {
    const test = await db.connectionTest.findUnique({ where: { id: testId } })
    if (!test) return null
    const instance = test.instanceId
      ? await db.instance.findFirst({
          where: { id: test.instanceId, desired: 'running', liveOf: { isNot: null } },
          include: { toolbox: { select: { id: true, url: true, certificate: true } } },
        })
      : null
    const { url, certificate, id } = instance?.toolbox ?? {}
    const target =
      instance && id && url && certificate
        ? { instanceId: instance.id, toolbox: { id, url, certificate } }
        : null
    const user = await openTestCredentials(db, testId)
    return { test, target, user, earlier: z.array(TestAttempt).parse(test.attempts) }
  })
}

/** False: the test has ended meanwhile. */
async function save({ test }: Loaded, attempts: Attempt[]): Promise<boolean> {
  return withActor(actor, async (db) => {
    const { count } = await db.connectionTest.updateMany({
      where: { id: test.id, finishedAt: null },
      data: { state: 'running', attempts },
    })
    if (count > 0) await announce(db, test, 'running')
    return count > 0
  })
}

async function end(
  { test }: Loaded,
  attempts: Attempt[],
  failure: Failure | null,
  probe: Extract<ProbeResult, { ok: true }> | null,
): Promise<void> {
  const state = failure ? 'failed' : 'passed'
  await withActor(actor, async (db) => {
    const { count } = await db.connectionTest.updateMany({
      where: { id: test.id, finishedAt: null },
      data: {
        state,
        attempts,
        finishedAt: new Date(),
        ...(failure && { failure }),
        ...(probe && { result: toResult(probe) }),
      },
    })
    if (count > 0 && probe) await recordProbeOfUser(db, test.serverId, null, probe)
    if (count > 0) await announce(db, test, state)
  })
}

function toResult(probe: Extract<ProbeResult, { ok: true }>): Prisma.InputJsonObject {
  return {
    protocolVersion: probe.protocolVersion,
    serverName: probe.serverInfo.name,
    serverVersion: probe.serverInfo.version,
    capabilities: Object.keys(probe.capabilities),
    tools: probe.tools as Prisma.InputJsonArray,
    latencyMs: handshakeMs(probe),
  }
}

async function announce(db: Db, test: Loaded['test'], state: string): Promise<void> {
  await emit(db, {
    type: 'connection.test',
    subjectId: test.id,
    agentId: test.agentId,
    serverId: test.serverId,
    audience: [`user:${test.userId}`],
    data: { state },
  })
}
