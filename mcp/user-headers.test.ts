import { describe, expect, it } from 'vitest'
import { decodeUserHeaders, encodeUserHeaders } from './user-headers.ts'

describe("a user's headers", () => {
  it('arrive as they were sent, by names in lower case', () => {
    const text = encodeUserHeaders({
      Authorization: 'Bearer a.b',
      'X-Key': 'käse'.normalize('NFD').slice(0, 1),
    })
    expect(decodeUserHeaders(text ?? '')).toEqual({ authorization: 'Bearer a.b', 'x-key': 'k' })
  })

  it('are nothing where there are none', () => {
    expect(encodeUserHeaders({})).toBeNull()
    expect(decodeUserHeaders(undefined)).toEqual({})
  })

  it.each([
    ['a line break', { 'x-a': 'a\r\nHost: evil' }],
    ['a name that is none', { 'x a': 'b' }],
    ['a header of the connection', { 'Transfer-Encoding': 'chunked' }],
    ['the host', { host: 'evil' }],
    ["one of the protocol's", { 'Mcp-Session-Id': 'x' }],
    ['one of ours', { 'toolberth-user-headers': 'x' }],
    ['something that is no text', { 'x-a': 1 }],
  ])('are refused with %s, and never said again', (_, headers) => {
    const text = Buffer.from(JSON.stringify(headers)).toString('base64url')
    expect(() => decodeUserHeaders(text)).toThrow('carries no headers that a user may set')
  })

  it('are refused when they are no JSON, or too long', () => {
    expect(() => decodeUserHeaders('%%%')).toThrow('carries no headers')
    expect(() => decodeUserHeaders('a'.repeat(12_001))).toThrow('too long')
    expect(() => encodeUserHeaders({ a: 'x'.repeat(12_000) })).toThrow('too long')
  })
})
