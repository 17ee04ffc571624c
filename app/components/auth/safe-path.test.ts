import { describe, expect, it } from 'vitest'
import { safePath } from '#app/components/auth/safe-path.ts'

describe('where a sign-in leads', () => {
  it.each([
    ['/admin/servers?deploy=1', '/admin/servers?deploy=1'],
    ['agents', '/agents'],
  ])('is %s as asked', (value, path) => {
    expect(safePath(value)).toBe(path)
  })

  it.each([
    '//evil.example/x',
    '/\\evil.example',
    '/.//evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    'http://self.invalid@evil.example/',
    undefined,
    ['/a', '/b'],
  ])('is the start page instead of %s', (value) => {
    expect(safePath(value)).toBe('/')
  })
})
