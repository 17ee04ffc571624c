import { describe, expect, it } from 'vitest'
import { createGuard } from './guard.ts'

const publicUrls = ['https://gateway.example:8443/base', 'http://localhost:3000']

describe('createGuard', () => {
  const local = createGuard({ host: '127.0.0.1', publicUrls })
  const wide = createGuard({ host: '0.0.0.0', publicUrls })

  it.each([
    ['localhost:3100', true],
    ['LOCALHOST', true],
    ['127.0.0.1:3100', true],
    ['[::1]:3100', true],
    ['gateway.example', true],
    ['evil.example', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example:80', false],
    ['localhost:3100@evil.example', false],
    ['', false],
  ])('on loopback, Host %s is let in: %s', (host, letIn) => {
    expect(local.refusal({ headers: { host } }) === null).toBe(letIn)
    expect(wide.refusal({ headers: { host } })).toBeNull()
  })

  it.each([
    ['https://gateway.example:8443', true],
    ['http://localhost:3000', true],
    ['https://gateway.example', false],
    ['http://localhost:3001', false],
    ['null', false],
    ['', false],
  ])('Origin %s is let in: %s', (origin, letIn) => {
    for (const guard of [local, wide]) {
      expect(guard.refusal({ headers: { host: 'localhost', origin } }) === null).toBe(letIn)
      expect(Object.keys(guard.corsHeaders(origin)).length > 0).toBe(letIn)
    }
  })
})
