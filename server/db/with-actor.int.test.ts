import { afterEach, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { seedUser, useSeededInstallation } from '#testing/seeded.ts'

const { database } = await useSeededInstallation()
const { NOBODY, systemCtx } = await import('#server/context.ts')
const { afterCommit, withActor } = await import('#server/db/with-actor.ts')
const alice = await seedUser()
const { actor } = alice.ctx

const agentNames = async () =>
  (await query<{ name: string }>(database.adminUrl, 'SELECT name FROM agents')).map(({ name }) => name)
const newAgent = (name: string) => ({
  data: { userId: alice.id, name, tokenHash: Buffer.from(name.padEnd(32)), tokenPrefix: 'tba_x' },
})
const whoAmI = async (db: Parameters<Parameters<typeof withActor>[1]>[0]) => {
  const [row] = await db.$queryRaw<{ kind: string; id: string | null; xid: bigint }[]>`
    SELECT app.actor_kind() AS kind, app.actor_id()::text AS id, app.current_xid() AS xid`
  return row
}

afterEach(() => query(database.adminUrl, 'DELETE FROM agents'))

describe('withActor', () => {
  it('runs as the actor, and leaves nothing of it behind on the connection', async () => {
    expect(await withActor(actor, whoAmI)).toMatchObject({ kind: 'user', id: alice.id })
    const later = await Promise.all(Array.from({ length: 12 }, () => withActor(NOBODY, whoAmI)))
    for (const one of later) expect(one).toMatchObject({ kind: 'nobody', id: null })
  })

  it('joins the running transaction under the same actor', async () => {
    const [outer, inner] = await withActor(actor, async (db) => {
      await db.agent.create(newAgent('outer'))
      const inside = await withActor({ ...actor }, async (same) => {
        expect(await same.agent.count()).toBe(1)
        return whoAmI(same)
      })
      return [await whoAmI(db), inside]
    })
    expect(inner).toEqual(outer)
  })

  it('refuses another actor inside, and leaves no row of the outer one', async () => {
    const nested = withActor(actor, async (db) => {
      await db.agent.create(newAgent('outer'))
      await withActor(systemCtx('test').actor, (other) => other.agent.count())
    })
    await expect(nested).rejects.toThrow('another actor')
    expect(await agentNames()).toEqual([])
  })

  it('takes a system of another name and another user for another actor', async () => {
    const bob = await seedUser()
    const as = (outer: Parameters<typeof withActor>[0], inner: Parameters<typeof withActor>[0]) =>
      withActor(outer, () => withActor(inner, whoAmI))
    await expect(as(systemCtx('a').actor, systemCtx('b').actor)).rejects.toThrow('another actor')
    await expect(as(actor, bob.ctx.actor)).rejects.toThrow('another actor')
    await expect(as(actor, NOBODY)).rejects.toThrow('another actor')
    expect(await as(systemCtx('a').actor, systemCtx('a').actor)).toMatchObject({ kind: 'system' })
  })

  it('leaves no row when the work throws, inner work included', async () => {
    const failing = withActor(actor, async (db) => {
      await db.agent.create(newAgent('one'))
      await withActor(actor, async (inner) => {
        await inner.agent.create(newAgent('two'))
        throw new Error('no')
      })
    })
    await expect(failing).rejects.toThrow('no')
    expect(await agentNames()).toEqual([])
  })

  it('keeps transactions that run at the same time apart', async () => {
    const users = await Promise.all([seedUser(), seedUser(), seedUser()])
    const seen = await Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const user = users[at % users.length]
        if (!user) throw new Error('no user')
        return withActor(user.ctx.actor, async (db) => {
          const rows = await db.user.findMany({ select: { id: true } })
          return rows.length === 1 && rows[0]?.id === user.id
        })
      }),
    )
    expect(seen.every(Boolean)).toBe(true)
  })
})

describe('afterCommit', () => {
  it('runs in order once the rows can be seen by others, nested ones too', async () => {
    const order: string[] = []
    await withActor(actor, async (db) => {
      afterCommit(async () => void order.push(`first ${(await agentNames()).join()}`))
      await db.agent.create(newAgent('row'))
      await withActor(actor, async () => afterCommit(() => void order.push('second')))
      order.push(`inside ${(await agentNames()).join()}`)
    })
    expect(order).toEqual(['inside ', 'first row', 'second'])
  })

  it('does not run when the transaction fails, also not when only its COMMIT does', async () => {
    const ran: string[] = []
    const failed = withActor(actor, async () => {
      afterCommit(() => void ran.push('thrown'))
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    await query(
      database.adminUrl,
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused at commit'; END $$;
       CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON agents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`,
    )
    const atCommit = withActor(actor, async (db) => {
      afterCommit(() => void ran.push('committed'))
      await db.agent.create(newAgent('row'))
    })
    await expect(atCommit).rejects.toThrow('refused at commit')
    await query(database.adminUrl, 'DROP TRIGGER refuse ON agents')
    expect(ran).toEqual([])
    expect(await agentNames()).toEqual([])
  })

  it('throws where there is no transaction', () => {
    expect(() => afterCommit(() => undefined)).toThrow('no transaction')
  })
})
