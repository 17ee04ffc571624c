import { expect, it } from 'vitest'
import { probeMcp } from '#mcp/probe.ts'
import { startConformanceFixture } from '#testing/conformance/start-fixture.ts'
import { type RpcAnswer, startHttpPeer, startRpcPeer } from '#testing/probe-peers.ts'

const TIMEOUT_MS = 10_000

it.each([
  ['text', 'text/plain', 'ok'],
  ['a page', 'text/html', '<!doctype html><title>It works</title>'],
  ['JSON', 'application/json', '{"status":"ok"}'],
])('F24: %s for every question is no handshake', async (_name, type, body) => {
  const peer = await startHttpPeer((_, response) =>
    response.writeHead(200, { 'content-type': type }).end(body),
  )
  const result = await probeMcp({ url: `${peer.url}/mcp`, timeoutMs: TIMEOUT_MS })
  await peer.stop()
  expect(result).toMatchObject({ ok: false, failure: { code: 'NOT_AN_MCP_SERVER' } })
})

it('F24: a server that answers no GET at all is one all the same', async () => {
  const fixture = await startConformanceFixture()
  expect((await fetch(new URL('/health', fixture.url))).status).toBe(404)
  const result = await probeMcp({ url: fixture.url, timeoutMs: TIMEOUT_MS })
  await fixture.stop()
  expect(result).toMatchObject({ ok: true })
})

it.each<[string, RpcAnswer]>([
  ['an error', { body: { error: { code: -32_603, message: 'The list is broken.' } } }],
  ['something else', { body: { result: { tools: 'none' } } }],
  ['a status', { status: 500, body: 'broken' }],
])('F24: %s in place of the tools is not a server without tools', async (_name, answer) => {
  const peer = await startRpcPeer(({ id, method }) => {
    if (id === undefined) return { status: 202 }
    const said = { jsonrpc: '2.0', id }
    if (method === 'initialize') {
      const serverInfo = { name: 'broken', version: '1' }
      const result = { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo }
      return { body: { ...said, result } }
    }
    if (method !== 'tools/list') return { body: { ...said, error: { code: -32_601, message: 'Unknown.' } } }
    return typeof answer.body === 'object' ? { body: { ...said, ...answer.body } } : answer
  })
  const result = await probeMcp({ url: peer.url, timeoutMs: TIMEOUT_MS })
  await peer.stop()
  expect(result).toMatchObject({ ok: false, failure: { stage: 'tools' } })
})
