import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { afterAll } from 'vitest'
import type { ToolDefinition } from '#contracts/probe.ts'
import type { ServerState, Visibility } from '#contracts/servers.ts'
import type { Role } from '#contracts/users.ts'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import type { UserCtx } from '#server/context.ts'
import type { Db } from '#server/db/with-actor.ts'
import { type TestEnvironment, useTestEnvironment } from '#testing/env.ts'

export interface TestUser {
  id: string
  email: string
  password: string
  ctx: UserCtx
}

export interface TestToolbox {
  id: string
  name: string
  identity: Identity
  url: string
}

export interface TestServer {
  id: string
  name: string
  toolboxId: string
  revisionId: string
  instanceId: string
}

/** The password of every user made here; hashed once a suite. */
export const PASSWORD = 'correct horse battery'
export const HOST = {
  cpus: 2,
  load: 0.1,
  memoryTotalBytes: 8 * 1024 ** 3,
  memoryFreeBytes: 6 * 1024 ** 3,
  diskTotalBytes: 100 * 1024 ** 3,
  diskFreeBytes: 80 * 1024 ** 3,
}

/**
 * A test environment with what `prisma/seed.ts` gives a new installation: its row and both control identities. Closes what the
 * server code opened when the suite ends.
 */
export async function useSeededInstallation(
  overrides: Record<string, string> = {},
): Promise<TestEnvironment> {
  const environment = await useTestEnvironment(overrides)
  const { ensureControlIdentities } = await import('#server/toolboxes/identities.ts')
  const { closeDatabase } = await import('#server/db/client.ts')
  const { closeRedis } = await import('#server/redis.ts')
  const { closeDtmaClients } = await import('#server/dtma/client.ts')
  const { eventHub } = await import('#server/events/hub.ts')
  afterAll(async () => {
    eventHub().close()
    await Promise.all([closeDtmaClients(), closeDatabase(), closeRedis()])
  })
  await asSystem((db) => db.installation.create({ data: {} }))
  await ensureControlIdentities()
  return environment
}

/** A transaction as the system, for arranging. */
export async function asSystem<T>(work: (db: Db) => Promise<T>): Promise<T> {
  const { withActor } = await import('#server/db/with-actor.ts')
  const { systemCtx } = await import('#server/context.ts')
  return withActor(systemCtx('test').actor, work)
}

let passwordHash: Promise<string> | undefined

export async function seedUser(input: { role?: Role; email?: string } = {}): Promise<TestUser> {
  const { hashPassword } = await import('#server/auth/passwords.ts')
  const { userActor } = await import('#server/context.ts')
  passwordHash ??= hashPassword(PASSWORD)
  const stored = await passwordHash
  const email = input.email ?? `user-${randomBytes(4).toString('hex')}@example.test`
  const role = input.role ?? 'USER'
  const { id } = await asSystem((db) =>
    db.user.create({ data: { email, role, passwordHash: stored }, select: { id: true } }),
  )
  return {
    id,
    email,
    password: PASSWORD,
    ctx: { actor: userActor({ id, email, role }), requestId: randomUUID() },
  }
}

/** An API key of the user, as `Authorization: Bearer` takes it. */
export async function seedApiKey(userId: string): Promise<string> {
  const { hashToken, newToken, tokenPrefix } = await import('#server/secrets/tokens.ts')
  const key = newToken('tbk')
  await asSystem((db) =>
    db.apiKey.create({ data: { userId, name: 'test', prefix: tokenPrefix(key), hash: hashToken(key) } }),
  )
  return key
}

/** An enrolled, active toolbox with a real key; nothing listens at its URL unless one is given. */
export async function seedToolbox(
  input: { name?: string; url?: string; identity?: Identity; certificate?: string; memoryMb?: number } = {},
): Promise<TestToolbox> {
  const identity = input.identity ?? (await createIdentity('toolbox'))
  const name = input.name ?? `box-${randomBytes(4).toString('hex')}`
  const url = input.url ?? 'https://127.0.0.1:4'
  const now = new Date()
  const { id } = await asSystem((db) =>
    db.toolbox.create({
      data: {
        name,
        kind: 'local',
        state: 'active',
        url,
        certificate: input.certificate ?? identity.certificate,
        driver: 'process',
        isolation: 'uid',
        agentVersion: '0.1.0',
        protocolVersion: 1,
        host: { ...HOST, memoryTotalBytes: (input.memoryMb ?? 8192) * 1024 ** 2 },
        lastHeartbeatAt: now,
        workerVerifiedAt: now,
        gatewayVerifiedAt: now,
      },
      select: { id: true },
    }),
  )
  return { id, name, identity, url }
}

export const ECHO: ToolDefinition = {
  name: 'echo',
  description: 'Says it again.',
  inputSchema: { type: 'object' },
}

/** A server that went live on a toolbox: revision, instance, pointer and tools. */
export async function seedServer(
  toolboxId: string,
  input: {
    name?: string
    visibility?: Visibility
    observed?: ServerState
    grants?: string[]
    tools?: ToolDefinition[]
    memoryMb?: number
  } = {},
): Promise<TestServer> {
  const name = input.name ?? `server-${randomBytes(4).toString('hex')}`
  return asSystem(async (db) => {
    const { id } = await db.mcpServer.create({
      data: {
        name,
        visibility: input.visibility ?? 'everyone',
        toolboxId,
        observed: input.observed ?? 'running',
        fence: 1,
      },
      select: { id: true },
    })
    const spec = {
      source: { type: 'npm', package: 'some-server' },
      transport: 'stdio',
      http: null,
      limits: { memoryMb: input.memoryMb ?? 128, cpus: 1, pids: 64 },
      sharing: 'shared',
      rollout: 'beside',
      drainSeconds: 60,
    }
    const revision = await db.revision.create({
      data: { serverId: id, number: 1, spec },
      select: { id: true },
    })
    const instance = await db.instance.create({
      data: {
        serverId: id,
        revisionId: revision.id,
        toolboxId,
        attempt: 1,
        fence: 1,
        observed: 'running',
        accepted: true,
      },
      select: { id: true },
    })
    await db.mcpServer.update({ where: { id }, data: { liveInstanceId: instance.id } })
    await db.mcpServerTool.createMany({
      data: (input.tools ?? [ECHO]).map((tool, position) => ({
        serverId: id,
        name: tool.name,
        position,
        definition: JSON.parse(JSON.stringify(tool)),
        hash: createHash('sha256').update(JSON.stringify(tool)).digest(),
      })),
    })
    await db.serverGrant.createMany({
      data: (input.grants ?? []).map((userId) => ({ serverId: id, userId })),
    })
    return { id, name, toolboxId, revisionId: revision.id, instanceId: instance.id }
  })
}

/** An agent of the user, with its token. */
export async function seedAgent(user: TestUser, name = 'agent'): Promise<{ id: string; token: string }> {
  const { createAgent } = await import('#server/agents/create.ts')
  const { id, token } = await createAgent({ ctx: user.ctx, input: { name } })
  return { id, token }
}

/** A test of agent and server that passed just now. */
export async function seedPassedTest(
  user: TestUser,
  agentId: string,
  server: Pick<TestServer, 'id' | 'instanceId'>,
  finishedAt = new Date(),
): Promise<string> {
  const { id } = await asSystem((db) =>
    db.connectionTest.create({
      data: {
        agentId,
        serverId: server.id,
        userId: user.id,
        instanceId: server.instanceId,
        state: 'passed',
        finishedAt,
        result: {
          protocolVersion: '2025-11-25',
          serverName: 'test',
          serverVersion: '1.0.0',
          capabilities: ['tools'],
          tools: [],
          latencyMs: 12.4,
        },
      },
      select: { id: true },
    }),
  )
  return id
}
