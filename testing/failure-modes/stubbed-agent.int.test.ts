import { afterAll, expect, it } from 'vitest'
import type { PutInstance } from '#contracts/dtma.ts'
import type { InstanceStatus } from '#contracts/instances.ts'
import { readJson } from '#protocol/bounded-http.ts'
import { query } from '#testing/database.ts'
import { seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { startToolboxStandIn } from '#testing/toolbox-stand-in.ts'

const { database } = await useSeededInstallation()
const { PutInstance: PutSchema } = await import('#contracts/dtma.ts')
const { controlCertificates } = await import('#server/toolboxes/identities.ts')
const { advanceDeployment } = await import('#server/deployments/advance.ts')
const { createDeployment } = await import('#server/deployments/create.ts')
const { getServer } = await import('#server/mcp-servers/get.ts')
const standIn = await startToolboxStandIn((await controlCertificates()).worker)
afterAll(() => standIn.stop())
const admin = await seedUser({ role: 'ADMIN' })

/** What a stub says of any instance: that it does what is asked, for a minute already. */
function claim(id: string, { desired, fence }: PutInstance): InstanceStatus {
  return {
    id,
    fence,
    desired,
    state: desired === 'absent' ? 'absent' : 'running',
    phase: null,
    exitCode: null,
    signal: null,
    restarts: 0,
    startedAt: new Date(Date.now() - 60_000).toISOString(),
    resolvedVersion: '1.0.0',
    error: null,
    memoryBytes: null,
  }
}

it('F2: an agent that says “running” and runs nothing brings no server live', async () => {
  const asked: string[] = []
  standIn.put = (request, response) => {
    const id = /\/v1\/instances\/([^/]+)$/.exec(request.url ?? '')?.[1] ?? ''
    void readJson(request, PutSchema, { maxBytes: 1_000_000, timeoutMs: 10_000 }).then((put) => {
      asked.push(put.desired)
      // Accepted: every call to its MCP endpoint is answered, and by nobody.
      standIn.instances.set(id, (_, mcp) => mcp.writeHead(202).end('{"status":"accepted"}'))
      response.end(JSON.stringify(claim(id, put)))
    })
  }
  const toolbox = await seedToolbox({ url: standIn.url, certificate: standIn.certificate })
  const { serverId, deploymentId } = await createDeployment({
    ctx: admin.ctx,
    input: {
      name: 'hollow',
      toolboxId: toolbox.id,
      source: { type: 'npm', package: 'some-server' },
      transport: 'stdio',
    },
  })
  for (let step = 0; step < 20 && (await advanceDeployment({ deploymentId })) !== 'done'; step++);
  expect(asked).toContain('running')
  expect(asked.at(-1)).toBe('absent')
  const server = await getServer({ ctx: admin.ctx, input: { id: serverId } })
  expect(server).toMatchObject({
    state: 'failed',
    toolCount: 0,
    failure: { code: expect.any(String) },
    deployments: [{ state: 'failed', cleanedUp: true }],
  })
  const live = await query(database.adminUrl, 'SELECT FROM mcp_servers WHERE live_instance_id IS NOT NULL')
  expect(live).toEqual([])
})
