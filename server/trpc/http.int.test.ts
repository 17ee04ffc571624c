import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedApiKey, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'
import { type HttpAnswer, sendHttp } from '#testing/trpc-http.ts'

const { database, redis } = await useSeededInstallation()
const admin = await seedUser({ role: 'ADMIN' })
const key = await seedApiKey(admin.id)
// A key notes its use once a minute; this one has noted it for the whole suite.
await query(database.adminUrl, "UPDATE api_keys SET last_used_at = now() + interval '1 day'")
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }

const post = (path: string, body: BodyInit, more: Record<string, string> = {}) =>
  sendHttp(`/api/trpc/${path}`, { method: 'POST', headers: { ...headers, ...more }, body, duplex: 'half' })
const get = (path: string) => sendHttp(`/api/trpc/${path}`, { headers })
const CREATE = '{"json":{"name":"agent"}}'

/** Refused with this status and code, in the one form of errors, and without a change. */
async function refused(send: () => Promise<HttpAnswer>, status: number, code: string): Promise<void> {
  const before = await checksumTables(database.adminUrl)
  const answer = await send()
  expect({ status: answer.status, code: answer.error?.code }).toEqual({ status, code })
  expect(await checksumTables(database.adminUrl)).toEqual(before)
}

describe('a request that is no proper call', () => {
  it.each([
    ['half a document', '{"json":{"name":'],
    ['an empty body', ''],
    ['bytes', '\u0000\u0001\u0002'],
    ['HTML', '<html></html>'],
    ['a deep nesting', '['.repeat(50_000) + ']'.repeat(50_000)],
    ['a deep envelope', `{"json":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`],
  ])('with %s for a body is a bad request', (_name, body) =>
    refused(() => post('agents.create', body), 400, 'BAD_REQUEST'),
  )

  it('that sends a form is a bad request', async () => {
    const form = new FormData()
    form.set('name', 'agent')
    await refused(
      () =>
        sendHttp('/api/trpc/agents.create', {
          method: 'POST',
          headers: { authorization: headers.authorization },
          body: form,
        }),
      400,
      'BAD_REQUEST',
    )
  })

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', ''])(
    'of type %j is a bad request',
    (type) => refused(() => post('agents.create', CREATE, { 'content-type': type }), 415, 'BAD_REQUEST'),
  )

  it('of bytes is a bad request', () =>
    refused(
      () => post('agents.create', CREATE, { 'content-type': 'application/octet-stream' }),
      400,
      'BAD_REQUEST',
    ))

  it.each(['{', 'null"', '%00', '{"json":', 'x'])('with the query %j is a bad request', (input) =>
    refused(() => get(`agents.get?input=${encodeURIComponent(input)}`), 400, 'BAD_REQUEST'),
  )

  it.each([
    'unknown',
    'servers',
    'servers.unknown',
    'servers.__proto__',
    'servers.constructor',
    '__proto__.deploy',
    'constructor',
    'toString',
    'servers.get.toString',
    '',
    '.',
    '%2e%2e',
    'x'.repeat(5000),
  ])('to %.30s is not found', async (path) => {
    await refused(() => get(path), 404, 'NOT_FOUND')
    await refused(() => post(path, CREATE), 404, 'NOT_FOUND')
  })

  it('by the wrong method is refused', async () => {
    await refused(() => get(`agents.create?input=${encodeURIComponent(CREATE)}`), 405, 'BAD_REQUEST')
    await refused(() => post('agents.list', '{}'), 405, 'BAD_REQUEST')
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      await refused(
        () => sendHttp('/api/trpc/agents.create', { method, headers, body: CREATE }),
        405,
        'BAD_REQUEST',
      )
  })

  it('as a batch of nonsense is a bad request', async () => {
    await refused(() => post('agents.create,agents.create?batch=1', '[1]'), 400, 'BAD_REQUEST')
    await refused(() => post('agents.create?batch=1', '"x"'), 400, 'BAD_REQUEST')
    await refused(() => post('agents.create,users.me?batch=1', '{}'), 400, 'BAD_REQUEST')
    await refused(() => get('users.me,status.stream?batch=1&input=%7B%7D'), 400, 'BAD_REQUEST')
  })
})

describe('a body that is too large', () => {
  const over = 4 * 1024 * 1024 + 1
  it('is refused by what it says of itself', () =>
    refused(() => post('agents.create', 'x', { 'content-length': String(over) }), 413, 'PAYLOAD_TOO_LARGE'))

  it('is refused while it comes, when it says nothing of itself, and is not read to its end', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(120))
      },
    })
    await refused(() => post('agents.create', endless), 413, 'PAYLOAD_TOO_LARGE')
    expect(sent).toBeLessThan(2 * over)
  })

  it('lets the largest legal deploy through to its own rules', async () => {
    const env = Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`V${at}`, { value: 'x'.repeat(32_768) }]),
    )
    const source = { type: 'npm', package: 'some-server' }
    const input = { name: 'large', source, transport: 'stdio', env }
    await refused(() => post('servers.deploy', JSON.stringify({ json: input })), 412, 'NO_TOOLBOX_AVAILABLE')
  })
})

describe('who is asking', () => {
  it.each([
    'Bearer',
    'Bearer ',
    'Bearer x',
    `Bearer tbk_${'a'.repeat(43)}`,
    `Basic ${btoa('a:b')}`,
    'nonsense',
    `Bearer tbk_${'a'.repeat(100_000)}`,
    `Bearer ${"' OR 1=1 --"}`,
  ])('%.40s is refused, with the id of the request', async (authorization) => {
    const answer = await sendHttp('/api/trpc/users.me', { headers: { authorization } })
    expect({ status: answer.status, code: answer.error?.code }).toEqual({
      status: 401,
      code: 'UNAUTHENTICATED',
    })
    expect(answer.error?.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it.each(['next-auth.session-token=x', '=;;;==', 'a=%E0%A4%A', 'next-auth.session-token=a.b.c.d.e'])(
    'the cookie %j is nobody',
    async (cookie) => {
      const answer = await sendHttp('/api/trpc/users.me', { headers: { cookie } })
      expect(answer.status).toBe(401)
    },
  )
})

describe('a failure of ours', () => {
  it('while Postgres is away says so, and nothing of its inside', async () => {
    await query(database.adminUrl, `ALTER DATABASE "${database.name}" CONNECTION LIMIT 0`)
    await query(
      new URL('/postgres', database.adminUrl).href,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}' AND usename = 'toolberth_app'`,
    )
    const answer = await get('users.me')
    expect(answer.status).toBe(503)
    expect(answer.error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    expect(answer.text).not.toMatch(/prisma|connection|postgres:|toolberth_app/i)
    await query(
      new URL('/postgres', database.adminUrl).href,
      `ALTER DATABASE "${database.name}" CONNECTION LIMIT -1`,
    )
    expect((await get('users.me')).status).toBe(200)
  })

  it('that nobody foresaw says nothing of its inside', async () => {
    await query(
      database.adminUrl,
      `CREATE FUNCTION surprise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'secret inside'; END $$;
       CREATE TRIGGER surprise BEFORE INSERT ON agents FOR EACH ROW EXECUTE FUNCTION surprise()`,
    )
    const answer = await post('agents.create', CREATE)
    expect(answer.status).toBe(500)
    expect(answer.error).toMatchObject({ code: 'INTERNAL' })
    expect(answer.text).not.toMatch(/secret inside|surprise|prisma|stack/i)
    await query(database.adminUrl, 'DROP TRIGGER surprise ON agents')
  })

  it('lets requests that need no Redis be answered while it is away', async () => {
    await redis.stop()
    expect((await post('agents.create', CREATE)).status).toBe(200)
    await redis.start()
  })
})
