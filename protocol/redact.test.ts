import { describe, expect, it } from 'vitest'
import { createRedactor } from './redact.ts'

describe('createRedactor', () => {
  const secret = 'p@ss "word"/with+signs'
  const redactor = createRedactor([secret, 'on', 'line-one-of-key\nline-two-of-key'])

  it.each([
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    'line-two-of-key',
  ])('replaces %s', (form) => {
    expect(redactor.text(`a ${form} b`)).not.toContain(form)
    expect(redactor.text(`a ${form} b`)).toContain('[redacted]')
  })

  it('leaves short values and ordinary text alone', () => {
    expect(redactor.text('turned on the light')).toBe('turned on the light')
  })

  it.each([
    'Authorization: Bearer abcdefghijklmnop',
    'ghp_0123456789abcdefghij',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
    'postgres://user:hunter22@db/x',
    '{"password": "hunter22"}',
    'API_KEY=0123456789',
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI\n-----END PRIVATE KEY-----',
  ])('recognises %s by its form', (text) => {
    const output = createRedactor([]).text(text)
    expect(output).toContain('[redacted]')
    expect(output).not.toMatch(/hunter22|0123456789|MC4CAQ|abcdefghijklmnop|eyJzdWI/)
  })

  it('walks objects and hides values of secret-looking keys', () => {
    const input = { a: [`x ${secret}`], accessToken: 'abc', n: 1, nested: { cookie: 'c', ok: 'fine' } }
    expect(redactor.value(input)).toEqual({
      a: ['x [redacted]'],
      accessToken: '[redacted]',
      n: 1,
      nested: { cookie: '[redacted]', ok: 'fine' },
    })
  })
})
