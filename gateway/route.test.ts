import { describe, expect, it } from 'vitest'
import { accepts } from './media-types.ts'
import { readRoute } from './route.ts'

const token = `tba_${'a'.repeat(43)}`
const agentId = '0198c0de-0000-7000-8000-000000000001'

describe('readRoute', () => {
  it.each([
    [`/agents/${agentId}/mcp`, `Bearer ${token}`, { kind: 'mcp', agentId, token }],
    [`/agents/${agentId.toUpperCase()}/mcp/?x=1`, `bearer  ${token} `, { kind: 'mcp', agentId, token }],
    [`/agents/${agentId}/mcp`, undefined, { kind: 'mcp', agentId, token: null }],
    [`/agents/${agentId}/mcp?token=${token}`, undefined, { kind: 'mcp', agentId, token: null }],
    [`/agents/${agentId}/mcp`, `Bearer ${token}x`, { kind: 'mcp', agentId, token: null }],
    [`/agents/${agentId}/mcp`, `Basic ${token}`, { kind: 'mcp', agentId, token: null }],
    [`/t/${token}/mcp`, undefined, { kind: 'mcp', agentId: null, token }],
    [`/t/nonsense/mcp`, `Bearer ${token}`, { kind: 'mcp', agentId: null, token: null }],
    ['/healthz', undefined, { kind: 'health' }],
    ['/agents/1/mcp', `Bearer ${token}`, { kind: 'unknown' }],
    [`/agents/${agentId}/mcp/more`, undefined, { kind: 'unknown' }],
    [`/t/${token}`, undefined, { kind: 'unknown' }],
    ['/', undefined, { kind: 'unknown' }],
    ['', undefined, { kind: 'unknown' }],
  ])('reads %s with %s', (url, authorization, route) => {
    expect(readRoute(url, authorization)).toEqual(route)
  })
})

describe('accepts', () => {
  it.each([
    [undefined, true],
    ['application/json, text/event-stream', true],
    ['APPLICATION/JSON;q=0.9', true],
    ['*/*', true],
    ['application/*', true],
    ['text/*', false],
    ['application/json;q=0', false],
    ['application/jsonx', false],
    ['', false],
  ])('Accept "%s" takes JSON: %s', (header, takes) => {
    expect(accepts(header, 'application/json')).toBe(takes)
  })
})
