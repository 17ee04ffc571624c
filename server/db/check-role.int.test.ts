import { afterEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { useTestEnvironment } from '#testing/env.ts'

const { database } = await useTestEnvironment()
const { checkDatabaseRole } = await import('#server/db/check-role.ts')
const { PrismaPg } = await import('@prisma/adapter-pg')
const { PrismaClient } = await import('#server/db/generated/client.ts')
const { closeDatabase } = await import('#server/db/client.ts')
const holder = globalThis as { toolberthPrisma?: InstanceType<typeof PrismaClient> }

/** Roles are of the whole server, which other suites use too, so each has a name of its own. */
const role = `check_${database.name}`

/** The check's word on a connection, or null when it is content. */
async function verdict(url: string): Promise<string | null> {
  await closeDatabase()
  holder.toolberthPrisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) })
  return checkDatabaseRole().then(
    () => null,
    (error: Error) => error.message,
  )
}

function asRole(): string {
  const url = new URL(database.appUrl)
  url.username = role
  url.password = 'check'
  return url.href
}

async function makeRole(options: string, more = ''): Promise<void> {
  await query(
    database.adminUrl,
    `CREATE ROLE ${role} LOGIN PASSWORD 'check' ${options}; GRANT CONNECT ON DATABASE "${database.name}" TO ${role}; ${more}`,
  )
}

afterEach(async () => {
  await closeDatabase()
  await query(
    database.adminUrl,
    `DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN
       EXECUTE 'DROP OWNED BY ${role}'; EXECUTE 'DROP ROLE ${role}'; END IF; END $$`,
  )
})

describe('the database user that processes run as', () => {
  it('may be the app user', async () => expect(await verdict(database.appUrl)).toBeNull())
  it('may not be a superuser', async () =>
    expect(await verdict(database.adminUrl)).toContain('is a superuser'))
  it('may not be the owner', async () =>
    expect(await verdict(database.ownerUrl)).toContain('owns the tables'))

  it('may not bypass row-level security', async () => {
    await makeRole('BYPASSRLS')
    expect(await verdict(asRole())).toContain('may bypass row-level security')
  })

  it.each([
    ['of the owner', 'INHERIT', 'GRANT toolberth_owner TO', 'owns the tables'],
    ['of the owner without inheriting', 'NOINHERIT', 'GRANT toolberth_owner TO', 'owns the tables'],
  ])('may not be a member %s', async (_name, options, grant, message) => {
    await makeRole(options, `${grant} ${role}`)
    expect(await verdict(asRole())).toContain(message)
  })

  it('may not be able to become somebody stronger', async () => {
    const strong = `${role}_strong`
    await query(database.adminUrl, `CREATE ROLE ${strong} BYPASSRLS`)
    await makeRole('NOINHERIT', `GRANT ${strong} TO ${role}`)
    expect(await verdict(asRole())).toContain('may bypass row-level security')
    await query(database.adminUrl, `DROP ROLE ${strong}`)
  })

  it('is told of a database that was not migrated', async () => {
    const url = new URL(database.adminUrl)
    url.pathname = '/template1'
    expect(await verdict(url.href)).toContain('run the migrations first')
  })

  it('never shows a password', async () => {
    const words = await verdict(database.ownerUrl)
    expect(words).not.toContain(new URL(database.ownerUrl).password)
  })
})
