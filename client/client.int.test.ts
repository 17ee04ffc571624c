import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StreamMessage } from '#contracts/events.ts'
import { seedApiKey, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { startTrpcServer, type TrpcServer } from '#testing/trpc-server.ts'
import { createToolberthClient, isToolberthError, statusMessages, toolberthError } from './index.ts'

await useSeededInstallation()
const { endStreams } = await import('#server/events/streams.ts')

const admin = await seedUser({ role: 'ADMIN' })
const apiKey = await seedApiKey(admin.id)
const WRONG_KEY = `tbk_${'a'.repeat(43)}`

let server: TrpcServer
beforeEach(async () => {
  server = await startTrpcServer()
})
afterEach(() => server.close())
const connect = (key = apiKey) => createToolberthClient({ url: server.url, apiKey: key })
const namesOf = (messages: StreamMessage[]) =>
  messages.flatMap((message) => (message.kind === 'event' ? [message.event.data.name] : [message.kind]))

/** Collects the stream until `enough`; `onMessage` sees each message first. */
async function collect(
  messages: AsyncIterable<StreamMessage>,
  enough: (seen: StreamMessage[]) => boolean,
  onMessage: (message: StreamMessage, seen: StreamMessage[]) => unknown = () => undefined,
): Promise<StreamMessage[]> {
  const seen: StreamMessage[] = []
  for await (const message of messages) {
    seen.push(message)
    await onMessage(message, seen)
    if (enough(seen)) break
  }
  return seen
}

describe('queries and mutations', () => {
  it('answers queries of the same moment in one request', async () => {
    const toolbox = await seedToolbox()
    const client = connect()
    const [me, servers, toolboxes] = await Promise.all([
      client.users.me.query(),
      client.servers.list.query(),
      client.toolboxes.list.query(),
    ])
    expect(me).toMatchObject({ email: admin.email, role: 'ADMIN' })
    expect(servers.items).toEqual([])
    expect(toolboxes.items.map(({ name }) => name)).toEqual([toolbox.name])
    expect(server.requests).toHaveLength(1)
  })

  it('carries the fields of a refused input, the code and the next action', async () => {
    const error: unknown = await connect()
      .servers.deploy.mutate({
        name: 'Not A Name',
        source: { type: 'npm', package: 'x' },
        transport: 'stdio',
      })
      .catch((error: unknown) => error)
    expect(isToolberthError(error)).toBe(true)
    expect(isToolberthError(error, 'BAD_REQUEST')).toBe(true)
    expect(isToolberthError(error, 'NOT_FOUND')).toBe(false)
    expect(toolberthError(error)).toMatchObject({
      code: 'BAD_REQUEST',
      retryable: false,
      action: expect.stringContaining('fields'),
      fields: { name: [expect.stringContaining('lower-case')] },
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  it('tells what is not there from what is not allowed', async () => {
    const client = connect()
    const missing: unknown = await client.servers.get
      .query({ id: '00000000-0000-4000-8000-000000000000' })
      .catch((error: unknown) => error)
    expect(toolberthError(missing)?.code).toBe('NOT_FOUND')

    const unknown: unknown = await connect(WRONG_KEY)
      .users.me.query()
      .catch((error: unknown) => error)
    expect(toolberthError(unknown)).toMatchObject({ code: 'UNAUTHENTICATED', detail: expect.any(String) })

    const user = await seedUser()
    const refused: unknown = await connect(await seedApiKey(user.id))
      .toolboxes.list.query()
      .catch((error: unknown) => error)
    expect(toolberthError(refused)?.code).toBe('FORBIDDEN')
  })
})

describe('the stream', () => {
  it('starts at the cursor of a query and brings what happens afterwards', async () => {
    const client = connect()
    const { cursor } = await client.agents.list.query()
    await client.agents.create.mutate({ name: 'between query and stream' })
    const seen = await collect(
      statusMessages(client, { cursor }),
      (messages) => messages.length === 3,
      (message) => message.kind === 'hello' && client.agents.create.mutate({ name: 'while it is open' }),
    )
    expect(namesOf(seen)).toEqual(['hello', 'between query and stream', 'while it is open'])
  })

  it('goes on without a gap or a repetition after the connection was cut', async () => {
    const client = connect()
    const names = Array.from({ length: 6 }, (_, n) => `cut ${n}`)
    const create = (name: string) => client.agents.create.mutate({ name })
    const seen = await collect(
      statusMessages(client),
      (messages) => namesOf(messages).includes('cut 5'),
      async (message, messages) => {
        if (messages.length === 1) for (const name of names.slice(0, 2)) await create(name)
        if (message.kind !== 'event' || message.event.data.name !== 'cut 1') return
        server.drop()
        for (const name of names.slice(2)) await create(name)
      },
    )
    expect(namesOf(seen).filter((name) => name !== 'hello')).toEqual(names)
    expect(server.requests.filter((path) => path.includes('status.stream'))).toHaveLength(2)
  })

  it('goes on after a server that stops has ended it', async () => {
    const client = connect()
    const create = (name: string) => client.agents.create.mutate({ name })
    const seen = await collect(
      statusMessages(client),
      (messages) => namesOf(messages).includes('after the stop'),
      async (message) => {
        if (message.kind !== 'event') return create('before the stop')
        if (message.event.data.name !== 'before the stop') return
        endStreams()
        await expect.poll(() => server.open()).toBe(0)
        // The process that answers next has not been told to stop.
        Reflect.deleteProperty(globalThis, 'toolberthStreamsEnd')
        await create('after the stop')
      },
    )
    expect(namesOf(seen).slice(0, 2)).toEqual(['hello', 'before the stop'])
    expect(namesOf(seen)).toContain('after the stop')
  })

  it('has a connection of its own, which ends with it', async () => {
    const stop = new AbortController()
    const path = `/api/trpc/status.stream?input=${encodeURIComponent('{"json":{}}')}`
    const headers = { authorization: `Bearer ${apiKey}` }
    const response = await fetch(server.url + path, { headers, signal: stop.signal })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    expect(response.headers.get('connection')).toBe('close')
    stop.abort()
  })

  it('ends with the typed reason when the key is refused, and asks once', async () => {
    const error: unknown = await collect(statusMessages(connect(WRONG_KEY)), () => true).catch(
      (error: unknown) => error,
    )
    expect(toolberthError(error)?.code).toBe('UNAUTHENTICATED')
    expect(server.requests).toHaveLength(1)
  })

  it('ends with the reason of its signal and closes its request', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const reading = collect(
      statusMessages(connect(), { signal: stop.signal }),
      () => false,
      () => stop.abort(reason),
    )
    await expect(reading).rejects.toBe(reason)
    await expect.poll(() => server.open()).toBe(0)
  })
})
