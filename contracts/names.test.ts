import { describe, expect, it } from 'vitest'
import { LogLine } from './dtma.ts'
import { Email, EnvName, ForeignText, Id, Name, NpmPackageName, NpmVersion, Text } from './names.ts'

const takes = (schema: { safeParse(input: unknown): { success: boolean } }, input: unknown) =>
  schema.safeParse(input).success

describe('names', () => {
  it.each(['abc', '0-0', 'a'.repeat(40), 'web-search-2'])('%s is one', (name) =>
    expect(takes(Name, name)).toBe(true),
  )
  it.each(['ab', 'a'.repeat(41), '-ab', 'ab-', 'a--b', 'Abc', 'a b', 'a_b', 'abc\n', 'äbc', '', null, 123])(
    '%j is none',
    (name) => expect(takes(Name, name)).toBe(false),
  )
})

describe('ids', () => {
  it('are compared in lower case', () => {
    expect(Id.parse('0B5C0C3E-5F2B-4A53-8A55-3B0A1C0B7C11')).toBe('0b5c0c3e-5f2b-4a53-8a55-3b0a1c0b7c11')
  })
  it.each(['', 'x', '0b5c0c3e5f2b4a538a553b0a1c0b7c11', '0b5c0c3e-5f2b-4a53-8a55-3b0a1c0b7c11\n', 1, null])(
    '%j is none',
    (id) => expect(takes(Id, id)).toBe(false),
  )
})

describe('npm packages', () => {
  it.each(['express', '@modelcontextprotocol/server-everything', 'a.b_c~d', '~tilde', '1'])(
    '%s is one',
    (name) => expect(takes(NpmPackageName, name)).toBe(true),
  )
  it.each([
    '-g',
    '--registry',
    '@-s/a',
    '@s/-a',
    '.hidden',
    '_under',
    'Upper',
    'a b',
    '../a',
    'a/b',
    '@s/a/b',
    '@s',
    'a@1',
    'file:a',
    'http://a',
    'a'.repeat(215),
    'a\n',
    '',
  ])('%j is none', (name) => expect(takes(NpmPackageName, name)).toBe(false))

  it.each(['1.2.3', '^1.2', '~1', 'latest', '1.0.0-beta.1+build'])('%s is a version', (version) =>
    expect(takes(NpmVersion, version)).toBe(true),
  )
  it.each(['-1', '--tag', '>=1 <2', 'npm:other@1', 'git+ssh://x', '../x', '', '1 2'])(
    '%j is no version',
    (version) => expect(takes(NpmVersion, version)).toBe(false),
  )
})

describe('variables and addresses', () => {
  it.each(['A', '_a1', 'LOG_LEVEL'])('%s is a variable', (name) => expect(takes(EnvName, name)).toBe(true))
  it.each(['1A', 'A-B', 'A=B', 'A B', '', 'A\0'])('%j is no variable', (name) =>
    expect(takes(EnvName, name)).toBe(false),
  )
  it.each(['x', 'a@b', 'a b@example.test', 'a@example.test\n', `${'a'.repeat(250)}@example.test`])(
    '%j is no address',
    (address) => expect(takes(Email, address)).toBe(false),
  )
})

describe('text', () => {
  it.each(['', 'ünïcode 🔑', 'line\nline\ttab'])('%j can be kept', (text) =>
    expect(Text.parse(text)).toBe(text),
  )
  it.each(['nul\0', '\ud800', 'a\udc00b', '\ud800\ud800'])(
    '%j is refused from those who can correct it',
    (text) => expect(takes(Text, text)).toBe(false),
  )
  it('of others is mended', () => {
    expect(ForeignText.parse('a\0b \ud800 🔑 \udc00')).toBe('a\ufffdb \ufffd 🔑 \ufffd')
    const line = { at: '2026-01-01T00:00:00.000Z', stream: 'stderr', text: 'a\0' }
    expect(LogLine.parse(line)).toEqual({ ...line, text: 'a\ufffd' })
  })
})
