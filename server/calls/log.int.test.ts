import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedAgent, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import type { CallRow } from './log.ts'

const { database } = await useSeededInstallation()
const { logCalls } = await import('./log.ts')

it('writes a batch once however often it is sent, and leaves out calls of agents that are gone', async () => {
  const user = await seedUser()
  const agent = await seedAgent(user)
  const call: CallRow = {
    id: randomUUID(),
    at: new Date().toISOString(),
    agentId: agent.id,
    connectionId: randomUUID(),
    serverId: randomUUID(),
    userId: user.id,
    tool: 'echo',
    outcome: 'tool_error',
    code: '-32602',
    ms: 12,
    requestBytes: 100,
    responseBytes: 200,
    arguments: { text: 'with\u0000nul' },
    via: null,
  }
  const gone = { ...call, id: randomUUID(), agentId: randomUUID() }
  await logCalls([call, gone])
  await logCalls([call, { ...call, id: randomUUID(), arguments: null }])
  const rows = await query(
    database.adminUrl,
    'SELECT id, tool, code, arguments FROM calls ORDER BY arguments NULLS LAST',
  )
  expect(rows).toEqual([
    { id: call.id, tool: 'echo', code: '-32602', arguments: { text: 'with\ufffdnul' } },
    { id: expect.any(String), tool: 'echo', code: '-32602', arguments: null },
  ])
})
