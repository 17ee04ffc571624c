import { describe, expect, it } from 'vitest'
import { Overview } from '#contracts/events.ts'
import { ToolboxGet, ToolboxList } from '#contracts/toolboxes.ts'
import { sendRaw } from '#testing/agent-requests.ts'
import { query } from '#testing/database.ts'
import { fileOf } from '#testing/digitalocean/droplet-run.ts'
import { useDropletInstallation } from '#testing/digitalocean/installation.ts'
import { asSystem, HOST } from '#testing/seeded.ts'
import { tableNames } from '#testing/tables.ts'

const { simulator, admin, start, database } = await useDropletInstallation({ account: { dropletLimit: 3 } })
const { createToolbox } = await import('#server/toolboxes/create.ts')
const { getToolbox, listToolboxes } = await import('#server/toolboxes/list.ts')
const { getOverview } = await import('#server/status/overview.ts')
const { deleteToolbox } = await import('#server/toolboxes/delete.ts')
const { removeCloudToken } = await import('./set-token.ts')
const { retryDropletToolbox } = await import('./retry.ts')
const { sweepDroplets } = await import('./sweep.ts')
const { loadDroplet } = await import('./load.ts')
const { claimDroplet } = await import('./claim.ts')
const { failDroplet } = await import('./fail.ts')
const { toFailure } = await import('#server/errors.ts')
const { ctx } = admin

type Run = Awaited<ReturnType<typeof start>>
const DEADLINE_MS = 21 * 60_000

/** Ended with this cause, shown, and with nothing left that costs money. */
async function expectFailed(run: Run, code: string, detail = /^/) {
  const toolbox = await getToolbox({ ctx, input: { id: run.id } })
  expect(toolbox).toMatchObject({ state: 'failed', failure: { code }, droplet: { step: 'gone' } })
  expect(toolbox.failure?.detail).toMatch(detail)
  expect([...simulator.droplets.keys(), ...simulator.firewalls.keys()]).toEqual([])
  return toolbox
}
/** Steps until the row is at one; the time between goes by at once. */
async function runTo(run: Run, step: string) {
  for (let n = 0; n < 20 && (await run.look()).step !== step; n++) {
    const outcome = await run.step()
    if (typeof outcome === 'object') await run.pass(outcome.again)
  }
  expect((await run.look()).step).toBe(step)
}
const only = () => {
  const [droplet] = [...simulator.droplets.values()]
  if (!droplet) throw new Error('There is no droplet.')
  return droplet
}
const report = (token: string, state: string, message: string) =>
  sendRaw('/api/dtma/bootstrap', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, step: 'docker', state, message }),
  })

describe('F13: a droplet whose making fails is not left running', () => {
  it.each([
    ['never starts', 'hangs', 'DROPLET_TIMED_OUT', /never started/],
    ['never gets an address', 'has no address', 'DROPLET_TIMED_OUT', /never got an address/],
    ['ends in an error', 'errors', 'DROPLET_ERRORED', /Action \d+ of droplet \d+/],
  ] as const)('when it %s', async (_what, fate, code, detail) => {
    simulator.setFate(fate)
    const run = await start()
    for (let n = 0; n < 3; n++) {
      const outcome = await run.step()
      if (typeof outcome === 'object') await run.pass(outcome.again)
    }
    await run.pass(DEADLINE_MS)
    await run.finish()
    await expectFailed(run, code, detail)
  })

  it('when its agent never reports', async () => {
    const run = await start({ enrols: false })
    await runTo(run, 'installing')
    const token = fileOf(only(), 'token')
    await run.pass(DEADLINE_MS)
    await run.finish()
    await expectFailed(run, 'DROPLET_TIMED_OUT', /agent never reported/)
    expect((await report(token, 'running', 'too late')).status).toBe(401)
  })

  it('when the account refuses it: in its words', async () => {
    for (const name of ['a', 'b', 'c']) simulator.plant({ name, tags: [] })
    const run = await start()
    await run.finish()
    simulator.droplets.clear()
    await expectFailed(run, 'CLOUD_REFUSED', /will exceed your droplet limit/)
  })

  it('when somebody else destroys it meanwhile', async () => {
    const run = await start({ enrols: false })
    await runTo(run, 'installing')
    simulator.droplets.clear()
    await run.finish()
    await expectFailed(run, 'DROPLET_LOST', /is not there/)
  })

  it('when DigitalOcean does not answer until the deadline: it is destroyed once it does', async () => {
    const run = await start({ enrols: false })
    await runTo(run, 'installing')
    simulator.faults.always(() => true, 'error-before')
    await run.step()
    await run.pass(DEADLINE_MS)
    for (let n = 0; n < 4; n++) {
      const outcome = await run.step()
      if (typeof outcome === 'object') await run.pass(outcome.again)
    }
    const toolbox = await getToolbox({ ctx, input: { id: run.id } })
    expect(toolbox).toMatchObject({
      state: 'failed',
      failure: { code: 'CLOUD_UNREACHABLE' },
      droplet: { step: 'destroying', trouble: { code: 'CLOUD_UNREACHABLE' } },
    })
    expect(simulator.droplets.size).toBe(1)
    simulator.faults.clear()
    await run.finish()
    await expectFailed(run, 'CLOUD_UNREACHABLE')
  })

  it('when the token is refused before anything was made: at once, and nothing is asked for', async () => {
    const run = await start()
    simulator.acceptToken(false)
    simulator.requests.length = 0
    await run.finish()
    expect(simulator.requests).toEqual(['POST /v2/droplets'])
    await expectFailed(run, 'CLOUD_UNAUTHORIZED', /401.*Unable to authenticate/)
  })

  it('and a token that is refused later is told, and holds up nothing once it is good again', async () => {
    const run = await start()
    await runTo(run, 'booting')
    simulator.acceptToken(false)
    await run.step()
    const { droplet, state } = await getToolbox({ ctx, input: { id: run.id } })
    expect({ state, trouble: droplet?.trouble?.code }).toEqual({
      state: 'provisioning',
      trouble: 'CLOUD_UNAUTHORIZED',
    })
    simulator.acceptToken(true)
    await run.pass(60_000)
    await run.finish()
    expect(await getToolbox({ ctx, input: { id: run.id } })).toMatchObject({
      state: 'active',
      droplet: { step: 'ready', trouble: null },
    })
  })

  it('and is made anew when it is asked for, by one of two admins', async () => {
    simulator.setFate('errors')
    const run = await start()
    await runTo(run, 'destroying')
    await expect(retryDropletToolbox({ ctx, input: { id: run.id } })).rejects.toMatchObject({
      code: 'CONFLICT',
      detail: expect.stringContaining('still being destroyed'),
    })
    await run.finish()
    simulator.setFate('boots')
    const answers = await Promise.allSettled(
      [1, 2].map(() => retryDropletToolbox({ ctx, input: { id: run.id } })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await run.finish()
    expect(await run.look()).toMatchObject({ state: 'active', step: 'ready', attempt: 2, failure: null })
    expect([...simulator.droplets.keys()]).toEqual([(await run.look()).dropletId])
  })

  it('and one that is ready goes with its toolbox, which is over only then', async () => {
    const run = await start()
    await run.finish()
    await expect(removeCloudToken({ ctx })).rejects.toMatchObject({ code: 'CONFLICT' })
    const { name } = await getToolbox({ ctx, input: { id: run.id } })
    await deleteToolbox({ ctx, input: { id: run.id, confirmName: name, force: false } })
    await sweepDroplets()
    expect(await getToolbox({ ctx, input: { id: run.id } })).toMatchObject({
      state: 'deleting',
      droplet: { step: 'destroying' },
    })
    await run.finish()
    await sweepDroplets()
    await expect(getToolbox({ ctx, input: { id: run.id } })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect([...simulator.droplets.keys(), ...simulator.firewalls.keys()]).toEqual([])
  })
})

describe('a droplet whose toolbox is active', () => {
  it.each(['active', 'draining', 'unreachable'] as const)(
    'is not destroyed, however late it is noticed, also when it is %s',
    async (state) => {
      const run = await start()
      await runTo(run, 'installing')
      for (let n = 0; n < 9 && (await run.look()).state !== 'active'; n++) {
        await run.step()
        if ((await run.look()).state !== 'active') await run.pass(5_000)
      }
      expect(await run.look()).toMatchObject({ state: 'active', step: 'installing' })
      await asSystem((db) => db.toolbox.update({ where: { id: run.id }, data: { state } }))
      await run.pass(DEADLINE_MS)
      await run.finish()
      expect(await run.look()).toMatchObject({ state, step: 'ready', failure: null })
      expect(simulator.droplets.size).toBe(1)
    },
  )

  it('nor when it becomes so while it is about to be given up', async () => {
    const run = await start()
    await runTo(run, 'installing')
    const row = await loadDroplet(run.id)
    const claim = await claimDroplet(run.id)
    if (!row || typeof claim === 'string' || 'again' in claim) throw new Error('It is not due.')
    await asSystem((db) =>
      db.toolbox.update({
        where: { id: run.id },
        data: { state: 'active', url: 'https://203.0.113.9:7443', certificate: 'c' },
      }),
    )
    await failDroplet(claim, row, toFailure('DROPLET_TIMED_OUT'))
    expect(await run.look()).toMatchObject({ state: 'active', step: 'installing', failure: null })
  })
})

describe('F14: what goes wrong on the new machine is reported', () => {
  it('with step and last words, and the droplet is destroyed', async () => {
    const run = await start({ enrols: false })
    await runTo(run, 'installing')
    const token = fileOf(only(), 'token')
    expect((await report(token, 'running', 'Installing Docker')).status).toBe(200)
    expect((await getToolbox({ ctx, input: { id: run.id } })).bootstrap).toMatchObject({
      step: 'docker',
      message: 'Installing Docker',
    })
    await report(token, 'failed', `E: Unable to locate package docker.io (${token})`)
    await run.finish()
    const toolbox = await expectFailed(run, 'TOOLBOX_BOOTSTRAP_FAILED', /docker: E: Unable to locate package/)
    expect(JSON.stringify(toolbox)).not.toContain(token)
  })
})

describe('F15: a toolbox that is half there', () => {
  it('breaks no page, at any step of being made and destroyed', async () => {
    const seen = new Set<string>()
    async function look(id: string) {
      const list = ToolboxList.parse(await listToolboxes({ ctx }))
      const one = ToolboxGet.parse(await getToolbox({ ctx, input: { id } }))
      Overview.parse(await getOverview({ ctx }))
      expect(list.items.map((item) => item.id)).toContain(id)
      if (one.droplet) seen.add(one.droplet.step)
    }
    simulator.setFate('boots', 2)
    const run = await start({ afterStep: ({ id }) => look(id) })
    await look(run.id)
    await run.finish()
    await asSystem((db) => db.toolbox.update({ where: { id: run.id }, data: { state: 'deleting' } }))
    await sweepDroplets()
    await run.finish()
    expect([...seen]).toEqual([
      'creating',
      'booting',
      'securing',
      'installing',
      'ready',
      'destroying',
      'gone',
    ])
  })
})

describe('F16: on the machine', () => {
  it('there is one secret, which is good once and there alone', async () => {
    const run = await start({ enrols: false })
    await runTo(run, 'installing')
    const droplet = only()
    const token = fileOf(droplet, 'token')
    const { DATABASE_URL, REDIS_URL, MASTER_KEY_FILE } = process.env
    for (const secret of [simulator.token, DATABASE_URL, REDIS_URL, MASTER_KEY_FILE, admin.password])
      expect(droplet.userData).not.toContain(secret)
    const enroll = async (url: string) =>
      sendRaw('/api/dtma/enroll', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          token,
          certificate: (await (await import('#protocol/identity.ts')).createIdentity('agent')).certificate,
          advertisedUrl: url,
          agentVersion: '0.1.0',
          protocolVersions: [1],
          driver: 'docker',
          isolation: 'container',
          host: HOST,
        }),
      })
    expect((await enroll('https://198.51.100.9:7443')).status).toBe(403)
    expect((await enroll(`https://${droplet.ipv4}:7443`)).status).toBe(200)
    expect((await enroll(`https://${droplet.ipv4}:7443`)).status).toBe(401)
    // Neither it nor the account's token is anywhere in the database.
    for (const name of await tableNames(database.adminUrl)) {
      const rows = await query<{ text: string }>(database.adminUrl, `SELECT t::text AS text FROM ${name} t`)
      const text = rows.map((row) => row.text).join()
      for (const secret of [token.slice(4), simulator.token])
        expect({ name, found: text.includes(secret) }).toEqual({ name, found: false })
    }
  })

  it('nothing of one droplet is good on another', async () => {
    const [one, two] = [await start({ enrols: false }), await start({ enrols: false })]
    await runTo(one, 'booting')
    await runTo(two, 'booting')
    const tokens = [...simulator.droplets.values()].map((droplet) => fileOf(droplet, 'token'))
    expect(new Set(tokens).size).toBe(2)
  })
})

describe('a droplet toolbox that is asked for', () => {
  const input = { kind: 'droplet' as const, name: 'box', region: 'fra1', size: 's-1vcpu-1gb', image: 'i' }
  const counts = async () => (await query(database.adminUrl, 'SELECT count(*)::int AS n FROM toolboxes'))[0]

  it.each([
    ['region', { region: 'sfo1' }],
    ['size', { size: 's-1vcpu-512mb-10gb' }],
    ['size', { size: 'nonsense' }],
    ['size', { size: 's-2vcpu-4gb', region: 'nyc3' }],
  ])('with a %s that the account does not have is refused, naming the field: %j', async (field, change) => {
    const before = await counts()
    await expect(createToolbox({ ctx, input: { ...input, ...change } })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      fields: { [field]: [expect.any(String)] },
    })
    expect(await counts()).toEqual(before)
  })

  it('twice under one name is refused the second time', async () => {
    const twin = { ...input, name: 'twin' }
    await createToolbox({ ctx, input: twin })
    await expect(createToolbox({ ctx, input: twin })).rejects.toMatchObject({ code: 'TOOLBOX_NAME_TAKEN' })
  })
})
