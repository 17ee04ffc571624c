import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { DeploymentState } from '#contracts/deployments.ts'
import { ERROR_CATALOGUE, type ErrorCode } from '#contracts/errors.ts'
import { DesiredState, InstanceState } from '#contracts/instances.ts'
import { DesiredServerState, ServerState, Visibility } from '#contracts/servers.ts'
import { ToolboxKind, ToolboxState } from '#contracts/toolboxes.ts'
import { query } from '#testing/database.ts'
import { refusalOf } from '#testing/refusal.ts'
import {
  asSystem,
  seedApiKey,
  seedServer,
  seedToolbox,
  seedUser,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'
import { callHttp, procedures } from '#testing/trpc-http.ts'

const { database } = await useSeededInstallation()
const { appRouter } = await import('#server/trpc/router.ts')
const { DEPLOYMENT_MOVES, moveDeployment } = await import('#server/deployments/transition.ts')
const { advanceDeployment } = await import('#server/deployments/advance.ts')
const { toFailure } = await import('#server/errors.ts')
const { getServer } = await import('#server/mcp-servers/get.ts')
const { stopServer } = await import('#server/mcp-servers/want.ts')
const admin = await seedUser({ role: 'ADMIN' })
const key = await seedApiKey(admin.id)
// A key notes its use once a minute; this one has noted it for the whole suite.
await query(database.adminUrl, "UPDATE api_keys SET last_used_at = now() + interval '1 day'")
const toolbox = await seedToolbox()
const caller = appRouter.createCaller({ actor: admin.ctx.actor, requestId: randomUUID() })

describe('what cannot be deployed', () => {
  it.each<[what: string, input: object, field: string]>([
    [
      'the URL of a Dockerfile for an image',
      { source: { type: 'image', image: 'https://github.com/x/y/blob/main/Dockerfile' } },
      'source.image',
    ],
    ['a name with spaces', { name: 'my server' }, 'name'],
    [
      'a catalog entry that does not exist',
      { source: { type: 'catalog', slug: 'no-such-entry' } },
      'source.slug',
    ],
  ])('F4: %s is refused, names its field and leaves nothing', async (_, input, field) => {
    const before = await checksumTables(database.adminUrl)
    const refusal = await refusalOf(
      caller.servers.deploy({
        name: 'server',
        transport: 'stdio',
        toolboxId: toolbox.id,
        source: { type: 'npm', package: 'some-server' },
        ...input,
      }),
    )
    expect(Object.keys(refusal.fields ?? {})).toEqual([field])
    expect(['BAD_REQUEST', 'NOT_FOUND', 'CATALOG_ENTRY_NOT_FOUND']).toContain(refusal.code)
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })

  it.each(['$(id)', '; rm -rf /', '--registry=http://evil', '`id`', 'a|b', 'a && b', '../../etc/passwd'])(
    'F34: %j is no name, package, version, executable or image',
    async (text) => {
      const npm = { type: 'npm', package: 'some-server' }
      const inputs: object[] = [
        { name: text },
        { source: { ...npm, package: text } },
        { source: { ...npm, version: text } },
        { source: { ...npm, bin: text } },
        { source: { type: 'image', image: text } },
        { env: { [text]: { value: 'x' } } },
      ]
      for (const input of inputs) {
        const given = { name: 'server', transport: 'stdio', source: npm, ...input }
        const { code } = await refusalOf(caller.servers.deploy(given as never))
        expect({ input, code }).toEqual({ input, code: 'BAD_REQUEST' })
      }
    },
  )
})

it('F6: a toolbox takes several servers of one package', async () => {
  const deployed = await Promise.all(
    ['first', 'second', 'third'].map((name) =>
      caller.servers.deploy({
        name,
        toolboxId: toolbox.id,
        source: { type: 'npm', package: 'some-server' },
        transport: 'stdio',
        limits: { memoryMb: 64, cpus: 0.1 },
      }),
    ),
  )
  for (const { deploymentId } of deployed) await advanceDeployment({ deploymentId })
  const rows = await query<{ servers: string; instances: string }>(
    database.adminUrl,
    `SELECT count(DISTINCT s.id) AS servers, count(DISTINCT i.id) AS instances
     FROM mcp_servers s JOIN instances i ON i.server_id = s.id WHERE s.toolbox_id = $1`,
    [toolbox.id],
  )
  expect(rows).toEqual([{ servers: '3', instances: '3' }])
})

describe('words of a state', () => {
  const WORDS: [type: string, schema: z.ZodEnum, also?: string[]][] = [
    ['deployment_state', DeploymentState],
    ['server_state', ServerState],
    ['desired_server_state', DesiredServerState],
    ['visibility', Visibility],
    ['toolbox_state', ToolboxState],
    ['toolbox_kind', ToolboxKind],
    ['instance_desired', DesiredState],
    ['instance_observed', InstanceState, ['unknown']],
  ]
  it.each(WORDS)('F7: %s are the same in the code and in the database', async (type, schema, also = []) => {
    const rows = await query<{ word: string }>(
      database.adminUrl,
      'SELECT e.enumlabel AS word FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typname = $1',
      [type],
    )
    expect(rows.map(({ word }) => word).toSorted()).toEqual(
      [...schema.options, ...also].map(String).toSorted(),
    )
  })

  it('F7: a deployment may fail with any cause, and is failed then', { timeout: 120_000 }, async () => {
    const server = await seedServer(toolbox.id)
    for (const code of Object.keys(ERROR_CATALOGUE) as ErrorCode[]) {
      const state = await asSystem(async (db) => {
        const row = { serverId: server.id, revisionId: server.revisionId, sourceKey: 'npm:x' }
        const { id } = await db.deployment.create({ data: { ...row, deadlineAt: new Date() } })
        await moveDeployment(db, { id, serverId: server.id }, 'failed', { failure: toFailure(code) })
        return (await db.deployment.findUniqueOrThrow({ where: { id } })).state
      })
      expect({ code, state }).toEqual({ code, state: 'failed' })
    }
  })

  it('F11: no step of a deployment leads back to one before it', () => {
    const reachable = (from: DeploymentState, seen: DeploymentState[] = []): DeploymentState[] =>
      DEPLOYMENT_MOVES[from].flatMap((to) =>
        seen.includes(to) ? [to] : [to, ...reachable(to, [...seen, to])],
      )
    for (const state of DeploymentState.options) expect(reachable(state)).not.toContain(state)
  })
})

describe('an action that did nothing', async () => {
  const shapeOf = (path: string) => {
    const all = appRouter._def.procedures as unknown as Record<string, { _def: { inputs: z.ZodObject[] } }>
    return all[path]?._def.inputs[0]?.shape
  }
  const mutations = (await procedures()).filter(({ path, type }) => type === 'mutation' && shapeOf(path)?.id)
  /** What these need besides an id to be understood. */
  const MORE: Record<string, object> = {
    'servers.rollback': { number: 1 },
    'servers.delete': { confirmName: 'server' },
    'servers.grant': { userId: admin.id },
    'servers.revoke': { userId: admin.id },
    'agents.update': { name: 'agent' },
    'users.update': { name: 'Somebody' },
  }

  it.each(mutations)('F12: $path of what is not there is refused as such', async (procedure) => {
    const before = await checksumTables(database.adminUrl)
    const input = { id: randomUUID(), ...MORE[procedure.path] }
    const { status, error } = await callHttp(procedure, { key, input })
    // One that asks for more than this may say so first; whatever it answers, it is no success.
    expect(error?.code).toBeDefined()
    expect(status).toBeGreaterThanOrEqual(400)
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })

  it('F12: a stop that the toolbox has not confirmed is not shown as stopped', async () => {
    const server = await seedServer(toolbox.id)
    const answer = await stopServer({ ctx: admin.ctx, input: { id: server.id } })
    expect(answer).toMatchObject({ desired: 'stopped', state: 'stopping' })
    expect(await getServer({ ctx: admin.ctx, input: { id: server.id } })).toMatchObject({ state: 'stopping' })
  })
})
