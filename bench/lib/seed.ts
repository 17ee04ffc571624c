import { createHash, randomBytes } from 'node:crypto'
import pg from 'pg'
import { createAgent } from '#server/agents/create.ts'
import { systemCtx, userActor } from '#server/context.ts'
import { closeDatabase } from '#server/db/client.ts'
import { type Db, withActor } from '#server/db/with-actor.ts'
import { closeRedis } from '#server/redis.ts'
import { ensureControlIdentities } from '#server/toolboxes/identities.ts'
import type { BenchServer } from './stack.ts'
import { TOOLS } from './static-answer.mjs'

// Rows that a worker would have written, since the benches of the gateway run none.

const asSystem = <T>(work: (db: Db) => Promise<T>) => withActor(systemCtx('bench').actor, work)
const hashOf = (tool: object) => createHash('sha256').update(JSON.stringify(tool)).digest()
const unique = (name: string) => `${name}-${randomBytes(4).toString('hex')}`

export async function seedInstallation(): Promise<void> {
  await asSystem((db) => db.installation.create({ data: {} }))
  await ensureControlIdentities()
}

/** A user with an agent that is connected to servers that are live at their toolboxes. */
export async function seedConnectedAgent(
  servers: readonly BenchServer[],
): Promise<{ agentId: string; token: string }> {
  const email = `${unique('user')}@example.test`
  const { id: userId } = await asSystem((db) =>
    db.user.create({ data: { email, role: 'USER', passwordHash: 'none' }, select: { id: true } }),
  )
  const ctx = { actor: userActor({ id: userId, email, role: 'USER' as const }), requestId: 'bench' }
  const agent = await createAgent({ ctx, input: { name: 'bench' } })
  for (const server of servers) await seedConnection(userId, agent.id, server)
  return { agentId: agent.id, token: agent.token }
}

async function seedConnection(
  userId: string,
  agentId: string,
  { slug, toolbox }: BenchServer,
): Promise<void> {
  await asSystem(async (db) => {
    const { id: toolboxId } = await db.toolbox.create({
      data: {
        ...toolbox,
        name: unique('toolbox'),
        kind: 'host',
        state: 'active',
        driver: 'process',
        protocolVersion: 1,
        gatewayVerifiedAt: new Date(),
        workerVerifiedAt: new Date(),
      },
      select: { id: true },
    })
    const { id: serverId } = await db.mcpServer.create({
      data: { name: unique(slug), visibility: 'everyone', toolboxId, observed: 'running', fence: 1 },
      select: { id: true },
    })
    const spec = {
      source: { type: 'npm', package: 'static' },
      transport: 'streamable-http',
      http: null,
      limits: { memoryMb: 128, cpus: 1, pids: 64 },
      sharing: 'shared',
      rollout: 'beside',
      drainSeconds: 60,
    }
    const revision = await db.revision.create({ data: { serverId, number: 1, spec }, select: { id: true } })
    const instance = await db.instance.create({
      data: {
        serverId,
        revisionId: revision.id,
        toolboxId,
        attempt: 1,
        fence: 1,
        observed: 'running',
        accepted: true,
      },
      select: { id: true },
    })
    await db.mcpServer.update({ where: { id: serverId }, data: { liveInstanceId: instance.id } })
    await db.mcpServerTool.createMany({
      data: TOOLS.map((tool, position) => ({
        serverId,
        name: tool.name,
        position,
        definition: tool,
        hash: hashOf(tool),
      })),
    })
    const connection = await db.connection.create({
      data: { agentId, serverId, userId, slug, lastTestedAt: new Date() },
      select: { id: true },
    })
    await db.connectionTool.createMany({
      data: TOOLS.map((tool) => ({
        connectionId: connection.id,
        name: tool.name,
        definition: tool,
        hash: hashOf(tool),
      })),
    })
  })
}

/** As a superuser, for counting. */
export async function queryAsSystem<Row extends Record<string, unknown>>(
  adminUrl: string,
  sql: string,
): Promise<Row[]> {
  const url = new URL(adminUrl)
  url.pathname = '/toolberth'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

export async function closeSeed(): Promise<void> {
  await Promise.all([closeDatabase(), closeRedis()])
}
