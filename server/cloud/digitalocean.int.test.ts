import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { useDropletInstallation } from '#testing/digitalocean/installation.ts'

const { simulator } = await useDropletInstallation({ account: { pageSize: 2 }, token: false })
const { digitalOcean } = await import('./digitalocean.ts')
const { waitOf } = await import('./digitalocean-request.ts')
const { CloudError } = await import('./provider.ts')
const { redis, redisKey } = await import('#server/redis.ts')

const cloud = digitalOcean({ url: simulator.url, token: simulator.token, timeoutMs: 5_000 })
const fails = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(CloudError)
  return error as InstanceType<typeof CloudError>
}
const calm = () => redis().del(`${redisKey('cloud')}:digitalocean`)

describe('the client of DigitalOcean', () => {
  it('pages through everything, and takes only what has exactly the tag', async () => {
    for (let n = 0; n < 7; n++) simulator.plant({ name: `n-${n}`, tags: ['tag'] })
    simulator.plant({ name: 'other', tags: ['tag-2'] })
    expect((await cloud.machinesWithTag('tag')).map(({ name }) => name)).toHaveLength(7)
    expect(simulator.requests).toHaveLength(4)
    simulator.ignoreTags(true)
    expect(await cloud.machinesWithTag('tag')).toHaveLength(7)
    simulator.ignoreTags(false)
  })

  it('gives sizes with prices and the regions that can be had', async () => {
    expect(await cloud.sizes()).toContainEqual(
      expect.objectContaining({ slug: 's-1vcpu-1gb', priceMonthly: 6, memoryMb: 1024 }),
    )
    expect((await cloud.regions()).map(({ slug }) => slug)).toEqual(['fra1', 'nyc3'])
    expect(await cloud.account()).toMatchObject({ email: 'owner@example.test', machineLimit: 25 })
  })

  it('takes what is not there for destroyed', async () => {
    await cloud.destroyMachine(4)
    await cloud.destroyFirewall('4')
    expect(await cloud.machine(4)).toBeNull()
    expect(await cloud.action(4, 5)).toBeNull()
  })

  it.each([
    ['refuse', 'unanswered'],
    ['drop', 'unanswered'],
    ['error-before', 'failed'],
    ['error-after', 'failed'],
    ['hold-after', 'unanswered'],
  ] as const)('tells %s as %s', async (fault, kind) => {
    simulator.faults.at(1, fault)
    // What is never answered is waited for.
    const timeoutMs = fault === 'hold-after' ? 1_000 : 5_000
    const patient = digitalOcean({ url: simulator.url, token: simulator.token, timeoutMs })
    expect((await fails(patient.account())).kind).toBe(kind)
  })

  it('says in words that the token is refused, and never says the token', async () => {
    const error = await fails(
      digitalOcean({ url: simulator.url, token: 'wrong-secret', timeoutMs: 5_000 }).account(),
    )
    expect(error.kind).toBe('unauthorized')
    expect(error.message).toMatch(/401: Unable to authenticate you/)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('wrong-secret')
  })

  it('honours a 429: all processes are quiet for as long as it says', async () => {
    simulator.faults.at(1, 'limit')
    const error = await fails(cloud.account())
    expect(error).toMatchObject({ kind: 'limited', retryAfterMs: 1_000 })
    simulator.requests.length = 0
    expect((await fails(cloud.account())).kind).toBe('limited')
    expect(simulator.requests).toEqual([])
    await expect.poll(async () => (await cloud.account()).email, { timeout: 10_000 }).toContain('@')
  })

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:20 GMT' }, 20_000],
    [{ 'ratelimit-reset': String(Date.UTC(2026, 0, 1) / 1000 + 9) }, 9_000],
    [{ 'retry-after': '999999' }, 3_600_000],
    [{ 'retry-after': 'soon' }, 30_000],
    [{ 'retry-after': '-5' }, 30_000],
    [{}, 30_000],
  ])('waits after %j for %i ms', (headers, wait) => {
    expect(waitOf(headers, Date.UTC(2026, 0, 1))).toBe(wait)
  })

  it('makes a firewall that lets in one port, and nothing else', async () => {
    const { id } = simulator.plant({ name: 'box', tags: [] })
    await cloud.createFirewall({ name: 'box', machineId: id, port: 7443 })
    const [firewall] = await cloud.firewallsNamed('box')
    expect(simulator.firewalls.get(firewall?.id ?? '')).toMatchObject({
      dropletIds: [id],
      inbound: [{ protocol: 'tcp', ports: '7443', sources: { addresses: ['0.0.0.0/0', '::/0'] } }],
    })
    expect(await cloud.firewallsNamed('bo')).toEqual([])
  })
})

describe('a server that is not DigitalOcean', () => {
  let answer: (path: string) => { status: number; body: string }
  const server = createServer((request, response) => {
    const { status, body } = answer(request.url ?? '')
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }).listen(0, '127.0.0.1')
  afterAll(() => server.close())
  const open = () =>
    digitalOcean({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token: 't',
      timeoutMs: 5_000,
    })

  it.each([
    ['nothing', ''],
    ['no JSON', '<html>'],
    ['null', 'null'],
    ['another shape', '{"droplets": {"length": 1}}'],
    ['a droplet without an id', '{"droplets": [{"name": "x"}]}'],
  ])('that answers %s is told as having failed', async (_what, body) => {
    await calm()
    answer = () => ({ status: 200, body })
    expect((await fails(open().machinesWithTag('tag'))).kind).toBe('failed')
  })

  it('whose list never ends is given up', async () => {
    answer = (path) => ({
      status: 200,
      body: JSON.stringify({ droplets: [], links: { pages: { next: `http://127.0.0.1${path}` } } }),
    })
    expect((await fails(open().machinesWithTag('tag'))).message).toContain('does not end')
  })
})
