import { expect, it } from 'vitest'
import { startHttpPeer } from '#testing/probe-peers.ts'
import { requiredScenarios, runConformance } from './run-conformance.ts'
import { startConformanceFixture } from './start-fixture.ts'

// What the gateway is measured by must itself be without fault: a scenario that fails through the gateway fails because of it.
it.each([
  ['2025-11-25', 30],
  ['2026-07-28', 37],
] as const)('the fixture passes every scenario that %s requires', async (revision, count) => {
  const fixture = await startConformanceFixture()
  const results = await runConformance(fixture.url, revision)
  await fixture.stop()
  const required = requiredScenarios(revision)
  expect(required).toHaveLength(count)
  expect(Object.fromEntries(required.map((name) => [name, results.get(name)]))).toEqual(
    Object.fromEntries(required.map((name) => [name, []])),
  )
})

it('a server that speaks no MCP passes nothing', async () => {
  const peer = await startHttpPeer((_, response) => response.writeHead(404).end())
  const results = await runConformance(peer.url, '2025-11-25')
  await peer.stop()
  expect([...results.values()].filter((wrong) => wrong.length === 0)).toEqual([])
})
