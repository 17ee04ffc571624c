import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { asSystem, seedServer, seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { open, seal } = await import('#server/secrets/envelope.ts')
const { masterKey, toMasterKey } = await import('#server/secrets/keyring.ts')
const { envPlace, headerPlace } = await import('#server/deployments/spec.ts')
const { passwordPlace } = await import('#server/registries/credentials.ts')
const { credentialPlace } = await import('#server/connections/credentials.ts')
const { readCloudToken, storeCloudToken } = await import('#server/cloud/token.ts')
const { countSealed } = await import('#server/secrets/reseal.ts')
const { rotateKey } = await import('./rotate-key/rotate.ts')

const PROGRAM = fileURLToPath(new URL('./rotate-key.ts', import.meta.url))
const FILE = process.env.MASTER_KEY_FILE ?? ''
/** More than one batch. */
const MANY = 250
const admin = await seedUser({ role: 'ADMIN' })
const server = await seedServer((await seedToolbox()).id)
const { revisionId } = server

const keysInFile = () => readFileSync(FILE, 'utf8').trim().split('\n')
const nameOf = (n: number) => `V_${String(n).padStart(3, '0')}`
const original = masterKey()

function sealed(place: Parameters<typeof seal>[1], value: string) {
  return { ciphertext: Uint8Array.from(seal(original, place, value)), keyId: original.id }
}

await storeCloudToken(admin.ctx, 'cloud-secret')
const agent = await asSystem((db) =>
  db.agent.create({
    data: { userId: admin.id, name: 'a', tokenHash: Buffer.alloc(32), tokenPrefix: 'tba_' },
  }),
)
const connection = await asSystem((db) =>
  db.connection.create({
    data: {
      userId: admin.id,
      agentId: agent.id,
      serverId: server.id,
      slug: 's',
      state: 'connected',
    },
  }),
)
await asSystem(async (db) => {
  await db.revisionEnv.createMany({
    data: Array.from({ length: MANY }, (_, n) => ({
      revisionId,
      name: nameOf(n),
      secret: true,
      ...sealed(envPlace(revisionId, nameOf(n)), `value ${n}`),
    })),
  })
  await db.revisionHeader.create({
    data: { revisionId, name: 'X-Key', ...sealed(headerPlace(revisionId, 'X-Key'), 'header') },
  })
  const { ciphertext: password, keyId } = sealed(passwordPlace('ghcr.io'), 'password')
  await db.registryCredential.create({ data: { host: 'ghcr.io', username: 'u', password, keyId } })
  await db.connectionCredential.create({
    data: {
      connectionId: connection.id,
      kind: 'env',
      name: 'TOKEN',
      ...sealed(credentialPlace(connection.id, 'env', 'TOKEN'), 'credential'),
    },
  })
})

/** Opens everything as a running process does, whichever of the keys it is sealed under. */
async function expectAllReadable(): Promise<void> {
  const key = masterKey()
  await asSystem(async (db) => {
    const env = await db.revisionEnv.findMany({
      where: { name: { startsWith: 'V_' } },
      orderBy: { name: 'asc' },
    })
    expect(env.map((row) => open(key, envPlace(revisionId, row.name), row.ciphertext))).toEqual(
      Array.from({ length: MANY }, (_, n) => `value ${n}`),
    )
    const header = await db.revisionHeader.findFirstOrThrow()
    expect(open(key, headerPlace(revisionId, header.name), header.ciphertext)).toBe('header')
    const registry = await db.registryCredential.findFirstOrThrow()
    expect(open(key, passwordPlace(registry.host), registry.password)).toBe('password')
    const credential = await db.connectionCredential.findFirstOrThrow()
    const place = credentialPlace(connection.id, credential.kind, credential.name)
    expect(open(key, place, credential.ciphertext)).toBe('credential')
    for (const { name, privateKey } of await db.controlIdentity.findMany())
      expect(
        open(key, { table: 'control_identities', row: name, column: 'private_key' }, privateKey),
      ).toContain('PRIVATE KEY')
  })
  expect(await readCloudToken()).toMatchObject({ value: 'cloud-secret' })
}

async function rotate(options: { dryRun?: boolean; finish?: boolean } = {}): Promise<string> {
  const lines: string[] = []
  await rotateKey({ dryRun: false, finish: false, ...options }, (line) => lines.push(line))
  return lines.join('\n')
}

const underOriginal = async () => (await countSealed()).filter(({ keyId }) => keyId === original.id)

describe('the master key', () => {
  it('knows of every table with sealed values', async () => {
    const found = await query<{ name: string }>(
      database.adminUrl,
      `SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'key_id'`,
    )
    const counted = [
      ...new Set((await countSealed()).map(({ table }) => table)),
      'connection_test_credentials',
    ]
    expect(found.map(({ name }) => name).toSorted()).toEqual(counted.toSorted())
  })

  it('says what a rotation would do, and changes nothing', async () => {
    const said = await rotate({ dryRun: true })
    expect(said).toContain(`revision_env: ${MANY} under ${original.id}`)
    expect(keysInFile()).toHaveLength(1)
    await expect(rotate({ finish: true })).rejects.toThrow('nothing to finish')
  })

  it('is not rotated with a file that lacks the key of something, nor without its database', async () => {
    const text = readFileSync(FILE, 'utf8')
    const other = `${Buffer.alloc(32, 7).toString('base64')}\n`
    try {
      writeFileSync(FILE, other)
      expect(await rotate({ dryRun: true })).toContain('does not hold every key')
      await expect(rotate()).rejects.toThrow(`${MANY} of revision_env under ${original.id}`)
      expect(readFileSync(FILE, 'utf8')).toBe(other)
      writeFileSync(FILE, `${other}${Buffer.alloc(32, 8).toString('base64')}\n`)
      await expect(rotate({ finish: true })).rejects.toThrow('Nothing was changed')
    } finally {
      writeFileSync(FILE, text)
    }
    const env = { ...process.env, DATABASE_URL: 'postgresql://toolberth_app:x@127.0.0.1:1/toolberth' }
    const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'ignore', 'pipe'], env })
    const said = textOf(child.stderr)
    await once(child, 'exit')
    expect(await said).toBe(
      'DATABASE_URL does not work: toolberth_app@127.0.0.1:1/toolberth: nothing listens there.\n',
    )
    expect(readFileSync(FILE, 'utf8')).toBe(text)
  })

  it('is rotated with everything readable meanwhile; kill -9 in the middle loses nothing', async () => {
    const blocker = new pg.Client({ connectionString: database.adminUrl })
    await blocker.connect()
    await blocker.query('BEGIN')
    // The last of its table: two batches are done by the time that this row is waited for.
    await blocker.query(`SELECT FROM revision_env WHERE name = '${nameOf(MANY - 1)}' FOR UPDATE`)
    const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] })
    const moved = async () =>
      (await countSealed()).find(({ table, keyId }) => table === 'revision_env' && keyId !== original.id)
        ?.count
    await expect.poll(moved, { timeout: 45_000 }).toBe(200)
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    await blocker.query('ROLLBACK')
    await blocker.end()

    expect(keysInFile()).toHaveLength(2)
    expect(masterKey().earlier).toMatchObject([{ id: original.id }])
    await expectAllReadable()
    const { id } = masterKey()
    expect(await rotate()).toContain(`Going on with the rotation to the key ${id}`)
    expect(await underOriginal()).toEqual([])
    expect(keysInFile()).toHaveLength(2)
    await expectAllReadable()
  })

  it('forgets the earlier key at last, and not before nothing needs it', async () => {
    // Written by a process that had not seen the new key yet.
    await asSystem((db) =>
      db.revisionEnv.updateMany({
        where: { name: nameOf(0) },
        data: sealed(envPlace(revisionId, nameOf(0)), 'value 0'),
      }),
    )
    expect(await rotate({ finish: true })).toContain('holds the new key alone')
    expect(keysInFile()).toHaveLength(1)
    expect(masterKey()).toMatchObject({ earlier: [] })
    expect(masterKey().id).not.toBe(original.id)
    await expectAllReadable()
  })

  it('is told from a file that holds no key', () => {
    const text = readFileSync(FILE, 'utf8')
    writeFileSync(FILE, 'no key')
    expect(() => masterKey()).toThrow('MASTER_KEY_FILE: does not hold 32 bytes in base64')
    writeFileSync(FILE, text)
    expect(masterKey().id).toBe(toMasterKey(Buffer.from(text.trim(), 'base64')).id)
  })
})
