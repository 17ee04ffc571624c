import { describe, expect, it } from 'vitest'
import { asSystem, seedServer, seedToolbox, useSeededInstallation } from '#testing/seeded.ts'

await useSeededInstallation()
const { changesSinceLive } = await import('./changes-since-live.ts')
const { loadRevision, writeRevision } = await import('./revision.ts')
const toolbox = await seedToolbox()

type Env = Parameters<typeof writeRevision>[4]['env']

/** A server whose revision 2 went live, and revision 3, which is to be compared with it. */
async function compare(live: Env, next: Env, memoryMb: number, state: 'live' | 'failed' = 'live') {
  const server = await seedServer(toolbox.id)
  return asSystem(async (db) => {
    const { spec } = await loadRevision(db, server.id, 1)
    const changed = { ...spec, limits: { ...spec.limits, memoryMb } }
    const before = await writeRevision(db, server.id, 2, spec, { env: live, headers: {} })
    const after = await writeRevision(db, server.id, 3, changed, { env: next, headers: {} })
    const common = { serverId: server.id, sourceKey: 'npm:some-server', deadlineAt: new Date() }
    const failure = { code: 'SERVER_EXITED', detail: null, variable: null, exitCode: 1 }
    await db.deployment.create({
      data: {
        ...common,
        revisionId: before,
        state,
        finishedAt: new Date(),
        ...(state === 'failed' && { failure }),
      },
    })
    const { id } = await db.deployment.create({ data: { ...common, revisionId: after } })
    return changesSinceLive(db, { id, serverId: server.id, revisionId: after })
  })
}

describe('what was changed since the last revision that went live', () => {
  it('is named with its values, and secrets only as changed', async () => {
    const changes = await compare(
      {
        SAME: { value: 'same' },
        GONE: { value: 'old' },
        LEVEL: { value: 'info' },
        TOKEN: { value: 'first-secret', secret: true },
        URL: { value: 'https://host/' },
      },
      {
        SAME: { value: 'same' },
        LEVEL: { value: 'debug' },
        TOKEN: { value: 'second-secret', secret: true },
        API_KEY: { value: 'forgot-to-say-secret' },
        URL: { value: 'https://host/?key=second-secret' },
      },
      256,
    )
    expect(changes).toEqual({
      against: 2,
      changes: expect.arrayContaining([
        { name: 'limits.memoryMb', before: '128', after: '256', secret: false },
        { name: 'env.GONE', before: 'old', after: null, secret: false },
        { name: 'env.LEVEL', before: 'info', after: 'debug', secret: false },
        { name: 'env.TOKEN', before: '[redacted]', after: '[redacted]', secret: true },
        { name: 'env.API_KEY', before: null, after: '[redacted]', secret: true },
        { name: 'env.URL', before: 'https://host/', after: 'https://host/?key=[redacted]', secret: false },
      ]),
    })
    expect(changes?.changes).toHaveLength(6)
    expect(JSON.stringify(changes)).not.toMatch(/first-secret|second-secret|forgot-to-say/)
  })

  it('is nothing when it is the same again', async () => {
    const env = { LEVEL: { value: 'info' } }
    expect(await compare(env, env, 128)).toEqual({ against: 2, changes: [] })
  })

  it('is not known when nothing went live', async () => {
    expect(await compare({}, {}, 256, 'failed')).toBeNull()
  })
})
