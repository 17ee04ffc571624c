import { beforeAll, describe, expect, it } from 'vitest'
import { createIdentity, type Identity } from './identity.ts'
import { signRequest, verifyRequest } from './signing.ts'

const now = new Date('2026-01-01T12:00:00Z')
const call = { method: 'POST', path: '/api/dtma/heartbeat?a=1', body: '{"a":1}' }
let identity: Identity
let headers: Record<string, string>

beforeAll(async () => {
  identity = await createIdentity('toolbox')
  headers = signRequest({ ...call, now, toolboxId: 'box', privateKey: identity.privateKey })
})

function verify(change: Partial<Parameters<typeof verifyRequest>[0]> = {}) {
  const base = { ...call, headers, now, toleranceSeconds: 60, certificate: identity.certificate }
  return verifyRequest({ ...base, ...change })
}

describe('verifyRequest', () => {
  it('accepts what was signed and answers the nonce', () => {
    expect(verify()).toEqual({ ok: true, nonce: headers['x-dtma-nonce'], toolboxId: 'box' })
  })

  it('uses a new nonce each time', () => {
    const again = signRequest({ ...call, now, toolboxId: 'box', privateKey: identity.privateKey })
    expect(again['x-dtma-nonce']).not.toBe(headers['x-dtma-nonce'])
  })

  it.each([
    ['method', { method: 'PUT' }],
    ['path', { path: '/api/dtma/heartbeat?a=2' }],
    ['body', { body: '{"a":2}' }],
  ])('refuses another %s', (_, change) => {
    expect(verify(change)).toEqual({ ok: false, reason: 'signature' })
  })

  it('refuses another key and changed headers', async () => {
    const other = await createIdentity('toolbox')
    expect(verify({ certificate: other.certificate })).toEqual({ ok: false, reason: 'signature' })
    for (const name of ['x-dtma-timestamp', 'x-dtma-nonce']) {
      const changed = { ...headers, [name]: `${headers[name]}0` }
      expect(verify({ headers: changed })).toEqual({ ok: false, reason: 'signature' })
    }
  })

  it('tells a wrong clock from a wrong signature', () => {
    expect(verify({ now: new Date(now.getTime() + 61_000) })).toEqual({ ok: false, reason: 'time' })
    expect(verify({ now: new Date(now.getTime() - 61_000) })).toEqual({ ok: false, reason: 'time' })
    expect(verify({ now: new Date(now.getTime() + 60_000) })).toMatchObject({ ok: true })
  })

  it('says when a header is missing', () => {
    for (const name of Object.keys(headers)) {
      expect(verify({ headers: { ...headers, [name]: undefined } })).toEqual({ ok: false, reason: 'missing' })
    }
  })
})
