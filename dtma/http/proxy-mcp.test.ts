import { expect, it } from 'vitest'
import { endToEndHeaders } from './proxy-mcp.ts'

it('drops what speaks of one connection, also when the connection header names it', () => {
  expect(
    endToEndHeaders({
      connection: 'keep-alive, X-Mine',
      'keep-alive': 'timeout=5',
      'transfer-encoding': 'chunked',
      upgrade: 'h2c',
      te: 'trailers',
      'x-mine': '1',
      'mcp-session-id': 's',
      'content-type': 'application/json',
    }),
  ).toEqual({ 'mcp-session-id': 's', 'content-type': 'application/json' })
})
