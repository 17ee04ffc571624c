import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { exitOf } from './container-run.ts'
import { CONTAINER_STATES, handlingOf } from './container-states.ts'
import { demultiplex } from './demultiplex.ts'
import { digestOf, parseImage, pullable } from './image-reference.ts'
import { chooseUser, needsPasswd } from './image-user.ts'
import { isOurs, LABEL, labelsOf } from './labels.ts'
import { explainPullFailure } from './pull-image.ts'
import { createPullProgress } from './pull-progress.ts'
import { formatSubnet, freeSubnet, parseSubnet } from './subnets.ts'

describe("F18: each of the engine's seven states", () => {
  it.each([
    ['created', 'replace', false],
    ['running', 'keep', true],
    ['paused', 'resume', true],
    ['restarting', 'replace', true],
    ['removing', 'replace', false],
    ['exited', 'replace', false],
    ['dead', 'replace', false],
  ])('%s: %s', (state, take, alive) => {
    expect(CONTAINER_STATES).toContain(state)
    expect(handlingOf(state)).toMatchObject({ take, alive })
  })

  it('is known, and one that is not is replaced', () => {
    expect(CONTAINER_STATES).toHaveLength(7)
    expect(handlingOf('hibernating')).toMatchObject({
      take: 'replace',
      says: 'is in the state "hibernating"',
    })
  })
})

it('an end by memory is told apart from any other', () => {
  const state = { ExitCode: 137, OOMKilled: true } as Parameters<typeof exitOf>[0]
  expect(exitOf(state).error?.code).toBe('SERVER_OUT_OF_MEMORY')
  expect(exitOf({ ...state, OOMKilled: false })).toEqual({ exitCode: 137, signal: null, error: null })
  expect(exitOf({ ...state, ExitCode: 0 }).error).toBeNull()
  expect(exitOf({ ...state, OOMKilled: false, ExitCode: 127 }).error?.code).toBe('IMAGE_NOT_RUNNABLE')
})

describe('the stream of a container', () => {
  const frame = (type: number, text: string) => {
    const data = Buffer.from(text)
    const header = Buffer.alloc(8)
    header[0] = type
    header.writeUInt32BE(data.length, 4)
    return Buffer.concat([header, data])
  }
  const whole = Buffer.concat([frame(1, 'out '), frame(2, 'err'), frame(1, ''), frame(1, 'ä€😀')])

  it.each([1, 3, 8, 9, 1000])('is taken apart when it comes in pieces of %d bytes', async (size) => {
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
      whole.subarray(i * size, (i + 1) * size),
    )
    const [out, err]: [Buffer[], Buffer[]] = [[], []]
    await demultiplex(Readable.from(pieces), {
      onStdout: (data) => (out.push(Buffer.from(data)), null),
      onStderr: (data) => (err.push(Buffer.from(data)), null),
    })
    expect([Buffer.concat(out).toString(), Buffer.concat(err).toString()]).toEqual(['out ä€😀', 'err'])
  })
})

describe('the name of an image', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  it.each([
    ['nginx', null, 'nginx', 'nginx:latest'],
    ['owner/name:1', null, 'owner/name', 'owner/name:1'],
    ['ghcr.io/owner/name', 'ghcr.io', 'ghcr.io/owner/name', 'ghcr.io/owner/name:latest'],
    ['localhost:5000/name:2', 'localhost:5000', 'localhost:5000/name', 'localhost:5000/name:2'],
    [`name:3@${digest}`, null, 'name', `name@${digest}`],
  ])('%s', (image, registry, repository, reference) => {
    const parts = parseImage(image)
    expect(parts).toMatchObject({ registry, repository })
    expect(pullable(parts)).toBe(reference)
  })

  it('finds its own digest', () => {
    const known = [`other@sha256:${'b'.repeat(64)}`, `owner/name@${digest}`]
    expect(digestOf(parseImage('owner/name:1'), known)).toBe(digest)
    expect(digestOf(parseImage('name'), known)).toBeNull()
    expect(digestOf(parseImage('name'), null)).toBeNull()
  })
})

it.each([
  ['manifest for x:1 not found: manifest unknown', 'IMAGE_NOT_FOUND'],
  ['pull access denied for x, repository does not exist or may require docker login', 'IMAGE_ACCESS_DENIED'],
  ['unauthorized: authentication required', 'IMAGE_ACCESS_DENIED'],
  ['write /var/lib/docker/tmp/x: no space left on device', 'TOOLBOX_DISK_FULL'],
  ['no matching manifest for linux/arm64 in the manifest list entries', 'IMAGE_NOT_RUNNABLE'],
  ['dial tcp: lookup registry-1.docker.io: i/o timeout', 'IMAGE_PULL_FAILED'],
])('the failure of a pull: %s', (text, code) => {
  expect(explainPullFailure('x:1', text)).toMatchObject({ code, message: expect.stringContaining(text) })
})

it('F11: the progress of a pull is what the engine says, and never falls', () => {
  const progress = createPullProgress()
  const id = (n: number) => String(n).repeat(12)
  const layer = (n: number, status: string, current?: number) =>
    progress.read({ id: id(n), status, progressDetail: { current } })
  expect(progress.read({ id: 'latest', status: 'Pulling from x' })).toBeNull()
  expect(layer(1, 'Pulling fs layer')).toBe('Pulling the image: 0 of 1 layers, 0 MB')
  expect(layer(2, 'Downloading', 12_345_678)).toBe('Pulling the image: 0 of 2 layers, 12 MB')
  expect(layer(2, 'Extracting', 1)).toBe('Pulling the image: 0 of 2 layers, 12 MB')
  expect(layer(1, 'Already exists')).toBe('Pulling the image: 1 of 2 layers, 12 MB')
  expect(layer(2, 'Pull complete')).toBe('Pulling the image: 2 of 2 layers, 12 MB')
  expect(() => progress.read({ error: 'denied' })).toThrow('denied')
})

describe('the user of an image', () => {
  const passwd = 'root:x:0:0::/root:/sh\napp:x:1000:1001::/:/sh\nsneaky:x:0:0::/:/sh\n'
  const group = 'root:x:0:\nstaff:x:50:\n'
  it.each([
    ['', 65_534, 65_534, true],
    ['0', 65_534, 65_534, true],
    ['root', 65_534, 65_534, true],
    ['sneaky', 65_534, 65_534, true],
    ['unknown', 65_534, 65_534, true],
    ['0:1000', 65_534, 65_534, true],
    ['99999999999', 65_534, 65_534, true],
    ['app', 1000, 1001, false],
    ['1000', 1000, 1001, false],
    ['1234', 1234, 1234, false],
    ['1234:55', 1234, 55, false],
    ['app:staff', 1000, 50, false],
  ])('%j runs as %d:%d', (user, uid, gid, replaced) => {
    expect(chooseUser(user, passwd, group)).toEqual({ uid, gid, replaced })
  })

  it('is looked up only when it has a name', () => {
    expect(['', '0', '1000:1000', ':5'].map(needsPasswd)).toEqual([false, false, false, false])
    expect(['app', '1000:staff'].map(needsPasswd)).toEqual([true, true])
  })
})

describe('subnets', () => {
  const subnet = (text: string) => parseSubnet(text) ?? { start: 0, size: 0 }

  it.each(['10.0.0.0', '10.0.0.256/24', '10.0.0.0/33', 'fd00::/64', ''])('%j is none', (text) => {
    expect(parseSubnet(text)).toBeNull()
  })

  it('are cut out of the pool around what is taken', () => {
    const pool = subnet('10.1.0.0/27')
    const free = (...taken: string[]) => {
      const found = freeSubnet(pool, taken.map(subnet), 0)
      return found === null ? null : formatSubnet(found)
    }
    expect(free()).toBe('10.1.0.0/29')
    expect(free('10.1.0.0/29', '10.1.0.12/30')).toBe('10.1.0.16/29')
    expect(free('10.1.0.0/28', '10.1.0.16/29')).toBe('10.1.0.24/29')
    expect(free('10.0.0.0/8')).toBeNull()
  })
})

describe('what is ours', () => {
  const owner = { installationId: 'i', toolboxId: 't', agent: 'a' }
  const labels = labelsOf(owner, 'server', { [LABEL.instance]: '1' })
  const thing = (change: Record<string, string>, name = 'tb-1') => ({
    name,
    labels: { ...labels, ...change },
  })

  it('was made by this agent, or for the same toolbox of the same installation', () => {
    expect(isOurs(owner, thing({}))).toBe(true)
    expect(isOurs(owner, thing({}, 'tb-1-package'))).toBe(true)
    expect(isOurs(owner, thing({ [LABEL.agent]: 'earlier' }))).toBe(true)
    expect(isOurs(owner, thing({ [LABEL.installation]: 'other' }))).toBe(true)
  })

  it('is nothing else', () => {
    const foreign = { [LABEL.agent]: 'other' }
    expect(isOurs(owner, thing({ ...foreign, [LABEL.installation]: 'other' }))).toBe(false)
    expect(isOurs(owner, thing({ ...foreign, [LABEL.toolbox]: 'other' }))).toBe(false)
    expect(isOurs(owner, thing({}, 'web'))).toBe(false)
    expect(isOurs(owner, thing({}, 'tb-2'))).toBe(false)
    expect(isOurs(owner, { name: 'tb-1', labels: null })).toBe(false)
  })
})
