import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createToolberthClient } from './create-client.ts'
import { isToolberthError, toolberthError } from './errors.ts'

const KEY = `tbk_${'a'.repeat(43)}`

describe('createToolberthClient', () => {
  it.each([
    ['', 'is missing'],
    [undefined, 'is missing'],
    ['secret', 'no API key'],
    [`${KEY}\n`, 'no API key'],
    [`Bearer ${KEY}`, 'no API key'],
    [`tba_${'a'.repeat(43)}`, 'token of an agent'],
  ])('refuses the key %j and never shows it', (apiKey, problem) => {
    const make = () => createToolberthClient({ url: 'http://localhost:3000', apiKey })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(problem)
    expect(make).not.toThrow(apiKey || 'tbk_a')
  })

  it.each(['', 'localhost:3000', 'toolberth', 'ftp://localhost'])('refuses the URL %j', (url) => {
    expect(() => createToolberthClient({ url, apiKey: KEY })).toThrow('url is where Toolberth is reached')
  })

  it.each([
    ['https://example.com', 'https://example.com/api/trpc/users.me'],
    ['https://example.com/', 'https://example.com/api/trpc/users.me'],
    ['https://example.com/tools', 'https://example.com/tools/api/trpc/users.me'],
    [new URL('https://example.com/tools/'), 'https://example.com/tools/api/trpc/users.me'],
  ])('calls the API under %s', async (url, expected) => {
    const asked: { url: string; headers: Headers }[] = []
    const client = createToolberthClient({
      url,
      apiKey: KEY,
      headers: { 'x-trace': '1', authorization: 'other' },
      fetch: (input, init) => {
        asked.push({ url: String(input).split('?')[0] ?? '', headers: new Headers(init?.headers) })
        return Promise.reject(new TypeError('not reached'))
      },
    })
    await expect(client.users.me.query()).rejects.toThrow('not reached')
    expect(asked.map((request) => request.url)).toEqual([expected])
    expect(asked[0]?.headers.get('authorization')).toBe(`Bearer ${KEY}`)
    expect(asked[0]?.headers.get('x-trace')).toBe('1')
  })

  it('has no typed answer when nobody or somebody else answers', async () => {
    const server = createServer((_, response) => response.writeHead(404).end('<h1>Not found</h1>'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = createToolberthClient({ url, apiKey: KEY })

    const foreign: unknown = await client.users.me.query().catch((error: unknown) => error)
    expect(foreign).toBeInstanceOf(Error)
    expect(toolberthError(foreign)).toBeNull()
    const broken = await new Promise((resolve, reject) => {
      client.status.stream.subscribe({}, { onError: resolve, onComplete: () => reject(new Error('ended')) })
    })
    expect(isToolberthError(broken)).toBe(false)

    await new Promise((resolve) => server.close(resolve))
    const silent: unknown = await client.users.me.query().catch((error: unknown) => error)
    expect(silent).toMatchObject({ name: 'TRPCClientError' })
    expect(toolberthError(silent)).toBeNull()
  })
})
