import { describe, expect, it } from 'vitest'
import { isPlaceholder, isSecret } from './secrets.ts'

describe('a secret is found', () => {
  it.each([
    ['API_KEY', 'x'],
    ['apiKey', 'abc'],
    ['GITHUB_PERSONAL_ACCESS_TOKEN', ''],
    ['db-password', 'x'],
    ['Authorization', 'x'],
    ['DATABASE_URL', 'postgres://localhost/db'],
    ['MDB_MCP_CONNECTION_STRING', ''],
    ['ANYTHING', 'Bearer abcdefghijk'],
    ['ANYTHING', 'sk-0123456789abcdef'],
    ['ANYTHING', 'ghp_0123456789abcdefghijABCDEFGHIJ012345'],
    ['ANYTHING', 'eyJhbGciOi.eyJzdWIi.sig'],
    ['ANYTHING', 'https://user:pass@example.com/'],
    ['ANYTHING', '9f8e7d6c5b4a39281706f5e4d3c2b1a0'],
  ])('%s = %j', (name, value) => expect(isSecret(name, value)).toBe(true))

  it.each([
    ['LOG_LEVEL', 'info'],
    ['MONKEY', 'banana'],
    ['KEYBOARD_LAYOUT', 'de'],
    ['MAX_TOKENS', '4096'],
    ['TOKEN_CACHE', 'true'],
    ['PORT', '8080'],
    ['BASE_URL', 'https://example.com/some/long/path/with/many/parts'],
    ['PACKAGE', '@modelcontextprotocol/server-sequential-thinking'],
    ['NOTE', 'a-long-name-of-something-with-dashes-in-it'],
  ])('not in %s = %j', (name, value) => expect(isSecret(name, value)).toBe(false))
})

describe('a value that only stands in', () => {
  it.each([
    '',
    '<token>',
    'YOUR_API_KEY',
    'your-key-here',
    'xxxx',
    '***',
    'sk-xxxx',
    'CHANGE_ME',
    '[insert key]',
    '...',
  ])('%j is told', (value) => expect(isPlaceholder(value)).toBe(true))
  it.each(['sk-0123456789', 'info', 'yourself', 'https://api.acme.io'])('%j is none', (value) =>
    expect(isPlaceholder(value)).toBe(false),
  )
})
