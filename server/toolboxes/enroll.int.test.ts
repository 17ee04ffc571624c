import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createIdentity } from '#protocol/identity.ts'
import { sendRaw } from '#testing/agent-requests.ts'
import { query } from '#testing/database.ts'
import { asSystem, HOST, seedToolbox, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'

const { database } = await useSeededInstallation()
const { hashToken, newToken } = await import('#server/secrets/tokens.ts')
const { controlCertificates } = await import('#server/toolboxes/identities.ts')
const { listToolboxesToVerify, recordDialBack } = await import('#server/toolboxes/verify.ts')
const identity = await createIdentity('agent')

let made = 0
async function newToolbox(
  input: { kind?: 'local' | 'host'; expiresInMs?: number } = {},
): Promise<{ id: string; token: string }> {
  const token = newToken('tbe')
  const { id } = await asSystem(async (db) => {
    const toolbox = await db.toolbox.create({ data: { name: `box-${++made}`, kind: input.kind ?? 'local' } })
    await db.toolboxEnrollment.create({
      data: {
        toolboxId: toolbox.id,
        tokenHash: hashToken(token),
        expiresAt: new Date(Date.now() + (input.expiresInMs ?? 60_000)),
      },
    })
    return toolbox
  })
  return { id, token }
}

const request = (token: string, change: Record<string, unknown> = {}) => ({
  token,
  certificate: identity.certificate,
  advertisedUrl: 'https://127.0.0.1:7443',
  agentVersion: '0.1.0',
  protocolVersions: [1],
  driver: 'process',
  isolation: 'uid',
  host: HOST,
  ...change,
})
const enroll = (body: unknown) =>
  sendRaw('/api/dtma/enroll', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const stateOf = async (id: string) => {
  const [row] = await query<{ state: string; url: string | null; failure: { detail: string } | null }>(
    database.adminUrl,
    'SELECT state, url, failure FROM toolboxes WHERE id = $1',
    [id],
  )
  return row
}
/** Refused so, without a trace: the token stays good. */
async function refused(body: unknown, status: number, code: string) {
  const before = await checksumTables(database.adminUrl)
  const answer = await enroll(body)
  expect({ status: answer.status, code: answer.body.error?.code }).toEqual({ status, code })
  expect(await checksumTables(database.adminUrl)).toEqual(before)
  return answer.body.error
}

describe('an enrolment', () => {
  it('registers the agent’s key and answers whom it may let in', async () => {
    const { id, token } = await newToolbox()
    const { status, body } = await enroll(request(token))
    const [installation] = await query<{ id: string }>(database.adminUrl, 'SELECT id FROM installation')
    expect(status).toBe(200)
    expect(body).toEqual({
      toolboxId: id,
      installationId: installation?.id,
      protocolVersion: 1,
      heartbeatSeconds: 15,
      clients: await controlCertificates(),
    })
    const [row] = await query(
      database.adminUrl,
      'SELECT state, url, certificate, driver, isolation, worker_verified_at FROM toolboxes WHERE id = $1',
      [id],
    )
    expect(row).toEqual({
      state: 'enrolling',
      url: 'https://127.0.0.1:7443',
      certificate: identity.certificate,
      driver: 'process',
      isolation: 'uid',
      worker_verified_at: null,
    })
    const entries = await query(
      database.adminUrl,
      `SELECT actor, action FROM audit_entries WHERE subject_id = $1`,
      [id],
    )
    expect(entries).toEqual([{ actor: 'system:enrol', action: 'toolbox.enrol' }])
  })

  it('takes each token once, also when it is sent twice at the same time', async () => {
    const { token } = await newToolbox()
    const answers = await Promise.all(Array.from({ length: 5 }, () => enroll(request(token))))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401, 401, 401, 401])
    await refused(request(token), 401, 'ENROLLMENT_INVALID')
  })

  it('keeps no token in clear', async () => {
    const { token } = await newToolbox()
    const rows = await query<{ row: string }>(
      database.adminUrl,
      'SELECT t::text AS row FROM toolbox_enrollments t',
    )
    expect(rows.map(({ row }) => row).join()).not.toContain(token.slice(4))
  })

  it('with an unknown or expired token, or one of a toolbox that is being deleted, is refused', async () => {
    await refused(request(newToken('tbe')), 401, 'ENROLLMENT_INVALID')
    const expired = await newToolbox({ expiresInMs: -1 })
    await refused(request(expired.token), 401, 'ENROLLMENT_INVALID')
    const going = await newToolbox()
    await query(database.adminUrl, `UPDATE toolboxes SET state = 'deleting' WHERE id = $1`, [going.id])
    await refused(request(going.token), 401, 'ENROLLMENT_INVALID')
  })

  it('in another protocol is refused in words that name both sides', async () => {
    const { token } = await newToolbox()
    const error = await refused(request(token, { protocolVersions: [7, 8] }), 426, 'PROTOCOL_UNSUPPORTED')
    expect(error?.protocolVersions).toEqual([1])
    expect(error?.message).toMatch(/7.*8/)
    expect((await enroll(request(token, { protocolVersions: [1, 2] }))).status).toBe(200)
  })

  it('of a toolbox elsewhere is refused while the public address is a loopback one', async () => {
    const { token } = await newToolbox({ kind: 'host' })
    const error = await refused(request(token), 400, 'BAD_REQUEST')
    expect(error?.message).toContain('PUBLIC_URL')
  })

  it.each([
    ['no JSON', '{'],
    ['an empty body', ''],
    ['null', 'null'],
    ['a list', []],
    ['no token', request('')],
    ['a certificate of nonsense', (token: string) => request(token, { certificate: 'nonsense' })],
    [
      'a bare key for a certificate',
      (token: string) => {
        const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
        return request(token, { certificate: publicKey.export({ type: 'spki', format: 'pem' }) })
      },
    ],
    ['an address without TLS', (token: string) => request(token, { advertisedUrl: 'http://127.0.0.1:7443' })],
    ['an address of nonsense', (token: string) => request(token, { advertisedUrl: 'nonsense' })],
    ['no version', (token: string) => request(token, { protocolVersions: [] })],
    ['an unknown driver', (token: string) => request(token, { driver: 'kubernetes' })],
    ['no host', (token: string) => request(token, { host: null })],
    ['a huge version', (token: string) => request(token, { agentVersion: 'x'.repeat(65) })],
  ])('with %s is a bad request, and the token stays good', async (_name, body) => {
    const { token } = await newToolbox()
    await refused(typeof body === 'function' ? body(token) : body, 400, 'BAD_REQUEST')
  })

  it('that is too large is refused', () =>
    refused({ ...request('x'), more: 'x'.repeat(5 * 1024 * 1024) }, 413, 'TOO_LARGE'))
})

describe('a toolbox that enrolled', () => {
  const enrolled = async (url = 'https://127.0.0.1:7443') => {
    const toolbox = await newToolbox()
    await enroll(request(toolbox.token, { advertisedUrl: url }))
    return { id: toolbox.id, url, certificate: identity.certificate }
  }
  const waitsFor = async (name: 'worker' | 'gateway', id: string) =>
    (await listToolboxesToVerify(name)).some((toolbox) => toolbox.id === id)

  it.each([
    ['worker', 'gateway'],
    ['gateway', 'worker'],
  ] as const)('is active only once both have reached it: %s, then %s', async (first, second) => {
    const toolbox = await enrolled()
    expect(await waitsFor(first, toolbox.id)).toBe(true)
    await recordDialBack({ toolbox, identity: first, ok: true })
    expect(await stateOf(toolbox.id)).toMatchObject({ state: 'enrolling' })
    expect(await waitsFor(first, toolbox.id)).toBe(false)
    await recordDialBack({ toolbox, identity: second, ok: true })
    expect(await stateOf(toolbox.id)).toMatchObject({ state: 'active', failure: null })
  })

  it('is active when both reach it at the same moment', async () => {
    const toolbox = await enrolled()
    await Promise.all([
      recordDialBack({ toolbox, identity: 'worker', ok: true }),
      recordDialBack({ toolbox, identity: 'gateway', ok: true }),
    ])
    expect(await stateOf(toolbox.id)).toMatchObject({ state: 'active' })
  })

  it('that cannot be reached says who could not reach which address, until it can', async () => {
    const toolbox = await enrolled('https://127.0.0.1:4')
    const { dialBackToolboxes } = await import('#server/toolboxes/dial-back.ts')
    await dialBackToolboxes()
    const unreached = await stateOf(toolbox.id)
    expect(unreached).toMatchObject({ state: 'enrolling' })
    expect(unreached?.failure?.detail).toMatch(/^worker: 127\.0\.0\.1:4 refused the connection/)
    await recordDialBack({ toolbox, identity: 'worker', ok: true })
    await recordDialBack({ toolbox, identity: 'gateway', ok: true })
    expect(await stateOf(toolbox.id)).toMatchObject({ state: 'active', failure: null })
  })

  it('anew elsewhere has to be reached there, whatever was reached before', async () => {
    const before = await enrolled()
    await recordDialBack({ toolbox: before, identity: 'worker', ok: true })
    const token = newToken('tbe')
    await asSystem((db) =>
      db.toolboxEnrollment.create({
        data: { toolboxId: before.id, tokenHash: hashToken(token), expiresAt: new Date(Date.now() + 60_000) },
      }),
    )
    await enroll(request(token, { advertisedUrl: 'https://127.0.0.1:7444' }))
    // Calls to the old address that were still on their way.
    await recordDialBack({ toolbox: before, identity: 'worker', ok: true })
    await recordDialBack({ toolbox: before, identity: 'gateway', ok: true })
    await recordDialBack({ toolbox: before, identity: 'gateway', ok: false, error: 'late' })
    expect(await stateOf(before.id)).toEqual({
      state: 'enrolling',
      url: 'https://127.0.0.1:7444',
      failure: null,
    })
  })

  it('an active one that enrols anew is not active until it was reached again', async () => {
    const active = await seedToolbox()
    const token = newToken('tbe')
    await asSystem((db) =>
      db.toolboxEnrollment.create({
        data: { toolboxId: active.id, tokenHash: hashToken(token), expiresAt: new Date(Date.now() + 60_000) },
      }),
    )
    await enroll(request(token))
    expect(await stateOf(active.id)).toMatchObject({ state: 'enrolling' })
    expect(await waitsFor('worker', active.id)).toBe(true)
    expect(await waitsFor('gateway', active.id)).toBe(true)
  })
})
