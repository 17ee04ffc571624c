import { describe, expect, it } from 'vitest'
import { classifyMessage, parseRpcMessage, rpcFailure, rpcRequest } from './json-rpc.ts'

describe('classifyMessage', () => {
  it.each([
    ['request', { jsonrpc: '2.0', id: 0, method: 'ping' }],
    ['request', { jsonrpc: '2.0', id: 'a', method: 'ping', params: {} }],
    ['notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['response', { jsonrpc: '2.0', id: 1, result: {} }],
    ['response', { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'x' } }],
  ])('recognises a %s', (kind, value) => {
    expect(classifyMessage(value)?.kind).toBe(kind)
  })

  it.each([
    [null],
    ['ping'],
    [[{ jsonrpc: '2.0', id: 1, method: 'ping' }]],
    [{ jsonrpc: '1.0', id: 1, method: 'ping' }],
    [{ jsonrpc: '2.0', id: null, method: 'ping' }],
    [{ jsonrpc: '2.0', id: 1.5, method: 'ping' }],
    [{ jsonrpc: '2.0', id: 1, method: 'ping', params: [1] }],
    [{ jsonrpc: '2.0', id: 1 }],
    [{ jsonrpc: '2.0', result: {} }],
    [{ jsonrpc: '2.0', id: 1, error: { code: 'x', message: 'x' } }],
  ])('refuses %j', (value) => {
    expect(classifyMessage(value)).toBeNull()
  })

  it('keeps members it does not know', () => {
    const parsed = parseRpcMessage('{"jsonrpc":"2.0","id":1,"method":"x","_meta":{"a":1}}')
    expect(parsed?.message).toMatchObject({ _meta: { a: 1 } })
  })

  it('answers null for broken JSON', () => {
    expect(parseRpcMessage('{"jsonrpc"')).toBeNull()
  })
})

it('leaves out members that were not given', () => {
  expect(rpcRequest(1, 'ping')).toEqual({ jsonrpc: '2.0', id: 1, method: 'ping' })
  expect(Object.keys(rpcFailure(null, -1, 'x').error)).toEqual(['code', 'message'])
})
