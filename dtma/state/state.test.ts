import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readFileIfThere, writeFileAtomic } from './atomic-file.ts'
import { loadIdentity } from './identity-store.ts'
import { createInstanceStore, type InstanceRecord } from './instance-store.ts'
import { openSeal } from './seal.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'toolberth-state-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const record: InstanceRecord = {
  id: '9f1c5bd5-6a52-4b7f-8d3f-0f4a6a5f2d11',
  desired: 'running',
  fence: 7,
  restartNonce: 'n',
  spec: {
    serverId: '9f1c5bd5-6a52-4b7f-8d3f-0f4a6a5f2d12',
    serverName: 'a',
    revisionId: '9f1c5bd5-6a52-4b7f-8d3f-0f4a6a5f2d13',
    source: { type: 'npm', package: 'a', args: [] },
    transport: 'stdio',
    sharing: 'shared',
    userEnv: [],
    env: { TOKEN: 'clear-text-secret' },
    secretNames: ['TOKEN'],
    limits: { memoryMb: 512, cpus: 1, pids: 256 },
    data: [],
  },
  everReady: true,
  deleteDataOf: null,
  changedAt: '2026-01-01T00:00:00.000Z',
}

describe('writeFileAtomic', () => {
  it('replaces a file, closed to others, and leaves nothing beside it', async () => {
    const path = join(folder, 'a')
    await Promise.all(['one', 'two', 'three'].map((text) => writeFileAtomic(path, text)))
    expect(['one', 'two', 'three']).toContain(await readFileIfThere(path))
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['a'])
    expect(await readFileIfThere(join(folder, 'b'))).toBeNull()
  })

  it('leaves the old content when writing fails', async () => {
    await mkdir(join(folder, 'a'))
    await expect(writeFileAtomic(join(folder, 'a'), 'text')).rejects.toThrow('EISDIR')
    expect(await readdir(folder)).toEqual(['a'])
  })
})

describe('the seal', () => {
  it('opens what it closed, in the same context only', async () => {
    const seal = await openSeal(folder)
    const sealed = seal.close('secret', 'a')
    expect(sealed).not.toContain('secret')
    expect(seal.close('secret', 'a')).not.toBe(sealed)
    expect((await openSeal(folder)).open(sealed, 'a')).toBe('secret')
    expect(() => seal.open(sealed, 'b')).toThrow('authenticate')
    const changed = Buffer.from(sealed, 'base64')
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(() => seal.open(changed.toString('base64'), 'a')).toThrow('authenticate')
    expect((await stat(join(folder, 'state.key'))).mode & 0o777).toBe(0o600)
  })

  it('says when its key is damaged', async () => {
    await writeFile(join(folder, 'state.key'), 'short')
    await expect(openSeal(folder)).rejects.toThrow('damaged')
  })
})

it('keeps one identity, with its key sealed', async () => {
  const seal = await openSeal(folder)
  const first = await loadIdentity(folder, seal)
  expect(await loadIdentity(folder, seal)).toEqual(first)
  const stored = await readFile(join(folder, 'identity.json'), 'utf8')
  expect(stored).not.toContain('PRIVATE KEY')
})

describe('the instance store', () => {
  it('keeps records and seals their specs', async () => {
    const store = createInstanceStore(folder, await openSeal(join(folder)))
    await store.save(record)
    expect(await store.load(() => {})).toEqual([record])
    expect(await readFile(join(folder, `${record.id}.json`), 'utf8')).not.toContain('clear-text-secret')
    const tombstone = { ...record, desired: 'absent' as const, spec: null }
    await store.save(tombstone)
    expect(await store.load(() => {})).toEqual([tombstone])
    await store.forget(record.id)
    expect(await store.load(() => {})).toEqual([])
  })

  it('sets damaged files aside and reports them, and drops unfinished ones', async () => {
    const seal = await openSeal(folder)
    const records = join(folder, 'records')
    await mkdir(records)
    const store = createInstanceStore(records, seal)
    await store.save(record)
    await writeFile(join(records, 'broken.json'), '{')
    await writeFile(join(records, `${record.id}.json.x.tmp`), '{')
    const damaged: string[] = []
    expect(await store.load((file) => damaged.push(file))).toEqual([record])
    expect(damaged).toEqual([join(records, 'broken.json')])
    expect((await readdir(records)).sort()).toEqual([`${record.id}.json`, 'broken.json.damaged'].sort())
  })
})
