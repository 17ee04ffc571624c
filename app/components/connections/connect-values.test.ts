import { describe, expect, it } from 'vitest'
import {
  connectDefaults,
  connectForm,
  dropConnectDraft,
  keepConnectDraft,
  readConnectDraft,
  toCreateInput,
  toTestInput,
} from '#app/components/connections/connect-values.ts'
import { CreateConnection, TestConnection } from '#contracts/agents.ts'

const server = {
  name: 'notes',
  userCredentials: [
    { kind: 'header' as const, name: 'X-Api-Key', required: true },
    { kind: 'header' as const, name: 'X-Team', required: false },
  ],
}
const ids = {
  agentId: '0190aaaa-0000-7000-8000-000000000001',
  serverId: '0190aaaa-0000-7000-8000-000000000002',
}
const filled = () => {
  const values = connectDefaults(server)
  values.credentials[0] = { name: 'X-Api-Key', value: 'k' }
  return values
}
const wrongAt = (values: ReturnType<typeof connectDefaults>) =>
  connectForm(server)
    .safeParse(values)
    .error?.issues.map(({ path }) => path.join('.')) ?? []

describe('what the connect wizard asks for', () => {
  it('is complete with the defaults and what the server requires', () => {
    expect(wrongAt(connectDefaults(server))).toEqual(['credentials.0.value'])
    expect(wrongAt(filled())).toEqual([])
  })

  it('refuses headers that cannot be sent, stand there twice or have no value', () => {
    const headers = [
      { name: 'x-team', value: 'v' },
      { name: 'Bad Name', value: 'v' },
      { name: 'X-One', value: '' },
      { name: 'X-Two', value: 'é' },
      { name: '', value: '' },
    ]
    expect(wrongAt({ ...filled(), headers })).toEqual([
      'headers.0.name',
      'headers.1.name',
      'headers.2.value',
      'headers.3.value',
    ])
  })

  it('gives what the contracts take, secrets with the test alone', () => {
    const values = {
      ...filled(),
      timeoutSeconds: '30',
      retries: '0',
      off: ['delete'],
      headers: [{ name: ' X-Trace ', value: '1' }],
    }
    const test = TestConnection.parse({ ...ids, wait: false, ...toTestInput(values) })
    expect(test).toMatchObject({ credentials: { 'X-Api-Key': 'k' }, headers: { 'X-Trace': '1' } })
    const create = CreateConnection.parse({ ...ids, ...toCreateInput(values) })
    expect(create).toMatchObject({
      slug: 'notes',
      timeoutMs: 30_000,
      retries: 0,
      tools: [{ name: 'delete', enabled: false }],
    })
    expect(create).not.toHaveProperty('credentials')
  })

  it('keeps what was typed until the connection is made, by the names that the server asks for now', () => {
    const { agentId, serverId } = ids
    keepConnectDraft(agentId, serverId, { ...filled(), slug: 'mine' })
    const other = { name: 'notes', userCredentials: server.userCredentials.toReversed() }
    expect(readConnectDraft(agentId, serverId, other)).toMatchObject({
      slug: 'mine',
      credentials: [
        { name: 'X-Team', value: '' },
        { name: 'X-Api-Key', value: 'k' },
      ],
    })
    dropConnectDraft(agentId, serverId)
    expect(readConnectDraft(agentId, serverId, server)).toEqual(connectDefaults(server))
  })
})
