import { describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedApiKey, seedUser, useSeededInstallation } from '#testing/seeded.ts'
import { checksumTables } from '#testing/tables.ts'
import { callHttp, procedures } from '#testing/trpc-http.ts'

const { database } = await useSeededInstallation()
const user = await seedUser()
const key = await seedApiKey(user.id)
const all = await procedures()
// A key notes its use once a minute; this one has noted it for the whole suite.
await query(database.adminUrl, "UPDATE api_keys SET last_used_at = now() + interval '1 day'")

describe('every procedure', () => {
  it('is found', () => {
    expect(all.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['servers.deploy', 'connections.create', 'status.stream', 'audit.list']),
    )
  })

  it.each(all)('$path declares who may call it', ({ permission }) => {
    expect(['signed-in', 'admin']).toContain(permission)
  })

  it.each(all)('$path answers 401 to nobody, whatever is sent', async (procedure) => {
    const before = await checksumTables(database.adminUrl)
    for (const input of [undefined, null, {}, { id: user.id }, 'x']) {
      const { status, error } = await callHttp(procedure, { input })
      expect({ status, code: error?.code }).toEqual({ status: 401, code: 'UNAUTHENTICATED' })
    }
    expect(await checksumTables(database.adminUrl)).toEqual(before)
  })

  it.each(all.filter(({ permission }) => permission === 'admin'))(
    '$path answers 403 to a user, whatever is sent',
    async (procedure) => {
      const before = await checksumTables(database.adminUrl)
      for (const input of [undefined, null, {}, { id: user.id }, 'x']) {
        const { status, error } = await callHttp(procedure, { key, input })
        expect({ status, code: error?.code }).toEqual({ status: 403, code: 'FORBIDDEN' })
      }
      expect(await checksumTables(database.adminUrl)).toEqual(before)
    },
  )
})
