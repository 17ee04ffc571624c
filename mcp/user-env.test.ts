import { describe, expect, it } from 'vitest'
import { decodeUserEnv, encodeUserEnv } from './user-env.ts'

describe("a user's variables", () => {
  it('arrive as they were sent, in one order however they were given', () => {
    const text = encodeUserEnv({ TOKEN: 'käse\nzwei', API_KEY: 'a=b' })
    expect(decodeUserEnv(text ?? '')).toEqual({ TOKEN: 'käse\nzwei', API_KEY: 'a=b' })
    expect(encodeUserEnv({ API_KEY: 'a=b', TOKEN: 'käse\nzwei' })).toBe(text)
  })

  it('are nothing where there are none', () => {
    expect(encodeUserEnv({})).toBeNull()
    expect(decodeUserEnv(undefined)).toEqual({})
  })

  it.each([
    ['one that the toolbox sets', { PATH: '/tmp' }],
    ['one that changes how programs are loaded', { ld_preload: '/tmp/x.so' }],
    ['a name that is none', { 'A=B': 'c' }],
    ['a zero byte', { A: 'b\0c' }],
    ['something that is no text', { A: 1 }],
  ])('are refused with %s, and never said again', (_, env) => {
    const text = Buffer.from(JSON.stringify(env)).toString('base64url')
    expect(() => decodeUserEnv(text)).toThrow('carries no variables that a user may set')
  })

  it('are refused when they are no JSON, or too long', () => {
    expect(() => decodeUserEnv('%%%')).toThrow('carries no variables')
    expect(() => decodeUserEnv('a'.repeat(12_001))).toThrow('too long')
    expect(() => encodeUserEnv({ A: 'x'.repeat(12_000) })).toThrow('too long')
  })
})
