import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type AgentSender, sendSigned } from '#testing/agent-requests.ts'
import { query } from '#testing/database.ts'
import { asSystem, seedServer, seedToolbox, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const toolbox = await seedToolbox()

async function refused(answer: () => ReturnType<typeof sendSigned>, status: number, code: string) {
  const { status: got, body } = await answer()
  expect({ status: got, code: body.error?.code }).toEqual({ status, code })
}

describe('the spec of an instance', () => {
  const ask = (box: AgentSender, id: string) => sendSigned(box, `/api/dtma/instances/${id}`)

  it('is for the agent of its own toolbox, with its variables in clear', async () => {
    const server = await seedServer(toolbox.id)
    const { seal } = await import('#server/secrets/envelope.ts')
    const { masterKey } = await import('#server/secrets/keyring.ts')
    const { envPlace } = await import('#server/deployments/spec.ts')
    const key = masterKey()
    const ciphertext = Uint8Array.from(seal(key, envPlace(server.revisionId, 'TOKEN'), 'secret'))
    await asSystem((db) =>
      db.revisionEnv.create({
        data: { revisionId: server.revisionId, name: 'TOKEN', secret: true, ciphertext, keyId: key.id },
      }),
    )
    const { status, body } = await ask(toolbox, server.instanceId)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: server.instanceId,
      desired: 'running',
      fence: 1,
      spec: {
        serverName: server.name,
        source: { type: 'npm', package: 'some-server', args: [] },
        env: { TOKEN: 'secret' },
        secretNames: ['TOKEN'],
      },
    })
    const neighbour = await seedToolbox()
    await refused(() => ask(neighbour, server.instanceId), 404, 'NOT_FOUND')
    await refused(
      () => ask({ id: toolbox.id, identity: neighbour.identity }, server.instanceId),
      401,
      'UNAUTHORIZED',
    )
  })

  it.each([randomUUID(), 'nonsense', '..%2f..', `${randomUUID()}'--`])('of %s does not exist', async (id) => {
    await refused(() => ask(toolbox, id), 404, 'NOT_FOUND')
  })

  it('of an instance that is gone does not exist', async () => {
    const server = await seedServer(toolbox.id)
    await query(database.adminUrl, `UPDATE instances SET desired = 'absent', gone_at = now()`)
    await refused(() => ask(toolbox, server.instanceId), 404, 'NOT_FOUND')
  })
})
