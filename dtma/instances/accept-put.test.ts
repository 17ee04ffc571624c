import { describe, expect, it } from 'vitest'
import type { InstanceSpec } from '#contracts/instances.ts'
import type { InstanceRecord } from '#dtma/state/instance-store.ts'
import { acceptPut } from './accept-put.ts'

const id = '9f1c5bd5-6a52-4b7f-8d3f-0f4a6a5f2d11'
const now = new Date('2026-01-01T00:00:00Z')
const spec = {
  transport: 'stdio',
  source: { type: 'npm', package: 'a', args: [] },
  env: { A: '1' },
} as unknown as InstanceSpec
const known: InstanceRecord = {
  id,
  desired: 'running',
  fence: 5,
  restartNonce: null,
  spec,
  everReady: true,
  deleteDataOf: null,
  changedAt: '2025-01-01T00:00:00.000Z',
}
const tombstone: InstanceRecord = { ...known, desired: 'absent', spec: null, everReady: false }

describe('acceptPut', () => {
  it('takes a new instance with its spec', () => {
    expect(acceptPut(null, id, { desired: 'running', fence: 0, spec }, now)).toMatchObject({
      id,
      fence: 0,
      spec,
      everReady: false,
    })
  })

  it('keeps a tombstone for what was never known', () => {
    const accepted = acceptPut(null, id, { desired: 'absent', fence: 4, spec }, now)
    expect(accepted).toMatchObject({ desired: 'absent', fence: 4, spec: null })
  })

  it('asks for the spec that it lacks', () => {
    expect(() => acceptPut(null, id, { desired: 'stopped', fence: 1 }, now)).toThrow('send its spec')
    expect(() => acceptPut(tombstone, id, { desired: 'running', fence: 6 }, now)).toThrow('send its spec')
  })

  it('refuses lower fences and names the highest', () => {
    const refusal = expect.objectContaining({ code: 'STALE_FENCE', fence: 5 })
    expect(() => acceptPut(known, id, { desired: 'absent', fence: 4 }, now)).toThrow(refusal)
    expect(() => acceptPut(tombstone, id, { desired: 'running', fence: 5, spec }, now)).toThrow(refusal)
  })

  it('changes nothing for the same again', () => {
    expect(
      acceptPut(known, id, { desired: 'running', fence: 5, spec: structuredClone(spec) }, now),
    ).toBeNull()
    expect(acceptPut(tombstone, id, { desired: 'absent', fence: 5 }, now)).toBeNull()
  })

  it('takes a higher fence, another wish and a new nonce', () => {
    expect(acceptPut(known, id, { desired: 'running', fence: 6 }, now)).toMatchObject({
      fence: 6,
      spec,
      everReady: true,
    })
    expect(acceptPut(known, id, { desired: 'stopped', fence: 5 }, now)).toMatchObject({
      desired: 'stopped',
      spec,
    })
    const nonce = acceptPut(known, id, { desired: 'running', fence: 5, restartNonce: 'n' }, now)
    expect(nonce).toMatchObject({ restartNonce: 'n' })
    expect(acceptPut(nonce, id, { desired: 'running', fence: 5 }, now)).toBeNull()
  })

  it('begins anew when a tombstone is revived by a higher fence', () => {
    const revived = acceptPut(
      { ...tombstone, everReady: true },
      id,
      { desired: 'running', fence: 6, spec },
      now,
    )
    expect(revived).toMatchObject({ fence: 6, spec, everReady: false })
  })

  it('takes over renewed credentials of a registry, which are not part of what is run', () => {
    const image = (password: string) =>
      ({
        ...spec,
        source: { type: 'image', image: 'a', args: [], credentials: { username: 'u', password } },
      }) as InstanceSpec
    const running = { ...known, spec: image('old') }
    const put = { desired: 'stopped' as const, fence: 6 }
    expect(acceptPut(running, id, { ...put, spec: image('new') }, now)).toMatchObject({
      desired: 'stopped',
      spec: image('new'),
    })
    expect(acceptPut(running, id, { desired: 'running', fence: 5, spec: image('old') }, now)).toBeNull()
    const other = { ...image('new'), env: { A: '2' } }
    expect(() => acceptPut(running, id, { ...put, spec: other }, now)).toThrow('keeps its spec')
  })

  it('refuses another spec, and transports it does not run', () => {
    const other = { ...spec, env: { A: '2' } }
    expect(() => acceptPut(known, id, { desired: 'running', fence: 6, spec: other }, now)).toThrow(
      'keeps its spec',
    )
    const source = { type: 'remote' as const, url: 'https://mcp.example/', headers: {} }
    const stdio = { ...spec, source, transport: 'stdio' as const }
    expect(() => acceptPut(null, id, { desired: 'running', fence: 1, spec: stdio }, now)).toThrow('reached')
    const isolated = { ...spec, sharing: 'isolated' as const, data: [] }
    const put = { desired: 'running' as const, fence: 1 }
    expect(acceptPut(null, id, { ...put, spec: isolated }, now)).toMatchObject({ spec: isolated })
    for (const change of [{ transport: 'sse' as const }, { data: [{ mountPath: '/data' }] }])
      expect(() => acceptPut(null, id, { ...put, spec: { ...isolated, ...change } }, now)).toThrow('isolated')
  })
})
