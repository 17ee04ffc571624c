import type { Connection, ConnectionTest, CreateConnection } from '#contracts/agents.ts'
import type { ConnectionSettings } from '#contracts/connection-settings.ts'
import { recordAudit } from '#server/audit/record.ts'
import type { UserCtx } from '#server/context.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { AppError, isUniqueViolation } from '#server/errors.ts'
import { emit } from '#server/events/emit.ts'
import { overrideTools } from './override-tools.ts'
import { pinRows } from './pins.ts'
import { requireFreeSlug, slugTaken } from './slug.ts'
import { requireConnectable } from './start-test.ts'
import { awaitTest, getTest, testConnection } from './test.ts'
import { moveTestCredentials } from './test-credentials.ts'
import { CONNECTION_INCLUDE, connectionView } from './view.ts'

/** A passed test counts for so long. */
const TEST_VALID_MS = 5 * 60_000

/**
 * Connects an agent to a server. The row is written only after a test that passed: the one given, or one made now. Throws AppError
 * with the test's typed verdict, NOT_FOUND, SERVER_NOT_RUNNING, ALREADY_CONNECTED, SLUG_TAKEN, TEST_NOT_PASSED, CREDENTIALS_MISSING,
 * BAD_REQUEST.
 */
export async function createConnection({
  ctx,
  input,
  signal,
}: {
  ctx: UserCtx
  input: CreateConnection
  signal?: AbortSignal | undefined
}): Promise<Connection> {
  const { agentId, serverId } = input
  const slug = await withActor(ctx.actor, async (db) => {
    const server = await requireConnectable(db, { agentId, serverId })
    const wanted = input.slug ?? server.name
    await requireFreeSlug(db, agentId, wanted)
    return wanted
  })
  const test = input.testId
    ? await finished(ctx, input.testId, signal)
    : await testConnection({
        ctx,
        input: { agentId, serverId, wait: true, credentials: input.credentials, headers: input.headers },
        signal,
      })
  requirePassed(test, input)
  try {
    return await withActor(ctx.actor, (db) => write(db, ctx, input, slug, test))
  } catch (error) {
    if (isUniqueViolation(error, 'connections_one_per_server'))
      throw new AppError('ALREADY_CONNECTED', 'raced', { cause: error })
    if (isUniqueViolation(error, 'connections_slug_unique')) throw slugTaken(slug, error)
    throw error
  }
}

async function finished(ctx: UserCtx, id: string, signal: AbortSignal | undefined): Promise<ConnectionTest> {
  const test = await getTest({ ctx, input: { id } })
  return test.finishedAt === null ? awaitTest(ctx, id, signal) : test
}

function requirePassed(test: ConnectionTest, input: CreateConnection): void {
  if (test.agentId !== input.agentId || test.serverId !== input.serverId)
    throw new AppError('TEST_NOT_PASSED', 'test of something else', {
      fields: { testId: ['This test is of another agent or server.'] },
    })
  if (test.failure)
    throw new AppError(
      test.failure.code,
      `test ${test.id} failed`,
      test.failure.detail === null ? {} : { detail: test.failure.detail },
    )
  if (test.state !== 'passed' || !test.finishedAt)
    throw new AppError('TEST_NOT_PASSED', `test ${test.id} is ${test.state}`)
  if (Date.now() - Date.parse(test.finishedAt) > TEST_VALID_MS)
    throw new AppError('TEST_NOT_PASSED', `test ${test.id} is old`, {
      detail: 'The test is more than 5 minutes old.',
    })
}

async function write(
  db: Db,
  ctx: UserCtx,
  input: CreateConnection,
  slug: string,
  test: ConnectionTest,
): Promise<Connection> {
  // Between test and row the server may have been stopped or hidden.
  const { liveInstanceId } = await requireConnectable(db, input)
  const tested = await db.connectionTest.findUniqueOrThrow({
    where: { id: test.id },
    select: { instanceId: true },
  })
  if (tested.instanceId !== liveInstanceId)
    throw new AppError('TEST_NOT_PASSED', 'another instance is live now', {
      detail: 'The server was redeployed after the test.',
    })
  await requireFreeSlug(db, input.agentId, slug)
  const { id } = await db.connection.create({
    data: {
      agentId: input.agentId,
      serverId: input.serverId,
      userId: ctx.actor.userId,
      slug,
      prefixTools: input.prefixTools ?? true,
      ...settingsOf(input),
      latencyMs: test.result ? Math.round(test.result.latencyMs) : null,
      lastTestedAt: test.finishedAt,
    },
    select: { id: true },
  })
  const offered = await db.mcpServerTool.findMany({ where: { serverId: input.serverId } })
  await db.connectionTool.createMany({ data: pinRows(id, offered) })
  await overrideTools(db, id, input.tools ?? [])
  await moveTestCredentials(db, test.id, id)
  const row = await db.connection.findUniqueOrThrow({ where: { id }, include: CONNECTION_INCLUDE })
  await emit(db, {
    type: 'connection.created',
    subjectId: row.id,
    agentId: row.agentId,
    serverId: row.serverId,
    audience: [`user:${ctx.actor.userId}`],
    data: { state: row.state },
  })
  await recordAudit(db, ctx, {
    action: 'connection.create',
    subjectType: 'connection',
    subjectId: row.id,
    detail: { agentId: row.agentId, serverId: row.serverId, slug },
  })
  return connectionView(row)
}

/** Those that were given; the database has the defaults of the others. */
function settingsOf(input: CreateConnection): Partial<ConnectionSettings> {
  const { timeoutMs, retries, logArguments, callsPerMinute, maxConcurrent, pinPolicy } = input
  const given = { timeoutMs, retries, logArguments, callsPerMinute, maxConcurrent, pinPolicy }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
