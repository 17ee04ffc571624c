import { describe, expect, it } from 'vitest'
import { condense, describeEvent } from '#app/components/overview/event-text.ts'
import { EventType, type StatusEvent } from '#contracts/events.ts'

const server = '0190aaaa-0000-7000-8000-000000000001'
const event = (changes: Partial<StatusEvent>): StatusEvent => ({
  id: '1',
  type: 'server.updated',
  subjectId: server,
  serverId: server,
  agentId: null,
  toolboxId: null,
  data: {},
  at: '2026-01-01T00:00:00.000Z',
  ...changes,
})
const names = new Map([[server, 'everything']])

describe('words for events', () => {
  it('name the thing while it is there, and say less once it is gone', () => {
    expect(describeEvent(event({ data: { state: 'running' } }), names)).toEqual({
      title: 'Server everything is running',
      detail: null,
      href: `/admin/servers/${server}`,
    })
    expect(describeEvent(event({ data: { state: 'running' } }), new Map())).toMatchObject({
      title: 'A server is running',
      href: null,
    })
    const gone = event({ type: 'server.deleted', data: { serverName: 'everything' } })
    expect(describeEvent(gone, new Map()).title).toBe('Server everything was deleted')
    const agent = event({ type: 'agent.deleted', data: { agentName: 'Laptop' } })
    expect(describeEvent(agent, new Map()).title).toBe('Agent Laptop was deleted')
    const toolbox = event({ type: 'toolbox.updated', data: { toolboxName: 'office', state: 'deleted' } })
    expect(describeEvent(toolbox, new Map())).toMatchObject({
      title: 'Toolbox office was deleted',
      href: null,
    })
  })

  it('say why something failed in the words of the catalogue', () => {
    const failed = event({ type: 'deployment.updated', data: { state: 'failed', code: 'PACKAGE_NOT_FOUND' } })
    expect(describeEvent(failed, names)).toMatchObject({
      title: 'Deployment of everything failed',
      detail: 'The npm registry knows no such package.',
    })
  })

  it.each(EventType.options)('are there for %s without any data', (type) => {
    expect(describeEvent(event({ type, serverId: null }), new Map()).title).not.toContain('undefined')
  })

  it('keep the newest of each thing and kind', () => {
    const cleanedUp = event({ id: '4', type: 'deployment.updated', data: { cleanedUp: true } })
    const all = [
      cleanedUp,
      event({ id: '3' }),
      event({ id: '2', type: 'server.created' }),
      event({ id: '1' }),
    ]
    expect(condense(all).map((one) => one.id)).toEqual(['3', '2'])
  })
})
