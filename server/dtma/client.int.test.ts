import { afterEach, describe, expect, it } from 'vitest'
import { type AgentStandIn, startAgentStandIn } from '#testing/agent-stand-in.ts'
import { query } from '#testing/database.ts'
import { seedToolbox, seedUser, useSeededInstallation } from '#testing/seeded.ts'

const PER_SECOND = 20
const { database, redis } = await useSeededInstallation({ DTMA_CALLS_PER_SECOND: String(PER_SECOND) })
const { closeDtmaClients, getLogs, getStatus } = await import('./client.ts')
const { inProbeLane, LaneFull } = await import('./bulkhead.ts')
const { probeInstance } = await import('./probe-instance.ts')
const { probeFailure } = await import('./probe-failure.ts')
const { getToolbox, listToolboxes } = await import('#server/toolboxes/list.ts')
const admin = await seedUser({ role: 'ADMIN' })

const agents: AgentStandIn[] = []
afterEach(async () => {
  await closeDtmaClients()
  await Promise.all(agents.splice(0).map((agent) => agent.stop()))
})

async function agent(): Promise<AgentStandIn> {
  const { id } = await seedToolbox()
  const made = await startAgentStandIn(id)
  agents.push(made)
  return made
}
/** A call as a job step makes it: it does not wait. */
const step = ({ address }: AgentStandIn) => getLogs(address, 'x', 1, { wait: false })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: { code?: string; name: string }) => error.code ?? error.name,
  )
const breakerOf = async ({ address }: AgentStandIn) =>
  (await getToolbox({ ctx: admin.ctx, input: { id: address.id } })).breaker
/** Three calls in a row that nobody answers. */
async function breakDown(broken: AgentStandIn, manner: 'cuts' | 'hangs' = 'cuts'): Promise<void> {
  broken.behave(manner)
  for (let n = 0; n < 3; n++) expect(await codeOf(getStatus(broken.address))).toBe('TOOLBOX_UNREACHABLE')
}

it('a probe of a process that has ended says with which exit code', async () => {
  const { id: toolboxId } = await seedToolbox()
  const id = crypto.randomUUID()
  const crashed = await startAgentStandIn(toolboxId, [
    {
      ...{ id, fence: 1, desired: 'running', state: 'backoff', phase: null, exitCode: 7, signal: null },
      ...{ restarts: 3, startedAt: null, resolvedVersion: null, error: null, memoryBytes: null },
    },
  ])
  agents.push(crashed)
  const probe = await probeInstance(crashed.address, id)
  if (probe.ok) throw new Error('The probe passed.')
  expect(probe.failure).toMatchObject({ code: 'SERVER_EXITED', stage: 'protocol', exitCode: 7 })
  expect(probeFailure(probe.failure)).toMatchObject({ code: 'SERVER_EXITED', exitCode: 7 })
  expect(probe.stages.map(({ name }) => name)).toEqual(['connect', 'tls', 'protocol'])
})

describe('a call', () => {
  it.each(['cuts', 'is busy'] as const)('is sent again when the agent %s, at most twice', async (manner) => {
    const flaky = await agent()
    flaky.behave('answers', [manner, manner])
    expect(await codeOf(getStatus(flaky.address))).toBe('answered')
    expect(flaky.count()).toBe(3)
    flaky.behave(manner)
    expect(await codeOf(getStatus(flaky.address))).not.toBe('answered')
    expect(flaky.count()).toBe(6)
  })

  it('that was refused is not sent again', async () => {
    const refusing = await agent()
    refusing.behave('refuses')
    expect(await codeOf(getStatus(refusing.address))).toBe('TOOLBOX_REFUSED')
    expect(refusing.count()).toBe(1)
  })

  it('that is not answered ends after 5 s, and is not sent again', async () => {
    const hanging = await agent()
    hanging.behave('hangs')
    await expect(getStatus(hanging.address)).rejects.toThrow('did not answer within 5 s')
    expect(hanging.count()).toBe(1)
  })
})

describe('calls at once', () => {
  it('are two in flight to a toolbox; a step does not wait for a place, others do', async () => {
    const [one, other] = [await agent(), await agent()]
    const waiting = Array.from({ length: 6 }, () => getStatus(one.address))
    await expect(step(one)).rejects.toThrow(LaneFull)
    expect(await codeOf(getStatus(other.address))).toBe('answered')
    await Promise.all(waiting)
    expect(one.peak()).toBe(2)
  })

  it('that wait for one toolbox are bounded', async () => {
    const one = await agent()
    one.behave('hangs')
    const calls = Array.from({ length: 110 }, () => codeOf(getStatus(one.address)))
    const [first] = await Promise.all([Promise.race(calls), closeSoon()])
    expect(first).toBe('TOOLBOX_BUSY')
    await one.stop()
    const outcomes = await Promise.all(calls)
    expect(outcomes.filter((code) => code === 'TOOLBOX_BUSY')).toHaveLength(8)
  })
})

describe('probes at once', () => {
  it('are three at a toolbox; a step that finds no place does not wait', async () => {
    const gate = Promise.withResolvers<string>()
    const under = Array.from({ length: 3 }, () => inProbeLane('one', () => gate.promise))
    await expect(inProbeLane('one', async () => 'fourth')).rejects.toThrow(LaneFull)
    expect(await inProbeLane('other', async () => 'elsewhere')).toBe('elsewhere')
    gate.resolve('done')
    await Promise.all(under)
    await expect(inProbeLane('one', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    expect(await inProbeLane('one', async () => 'again')).toBe('again')
  })
})

describe('the rate limit', () => {
  it('lets a toolbox have so many calls a second: those that wait come later, and others have their own', async () => {
    const [busy, other] = [await agent(), await agent()]
    const began = Date.now()
    await Promise.all(Array.from({ length: PER_SECOND + 1 }, () => getStatus(busy.address)))
    expect(Date.now() - began).toBeGreaterThan(200)
    expect(busy.count()).toBe(PER_SECOND + 1)
    expect(await codeOf(getStatus(other.address))).toBe('answered')
  })

  it('is counted in Redis, for all processes together', async () => {
    const shared = await agent()
    const { redis: connection, redisKey } = await import('#server/redis.ts')
    // As another process would have counted.
    await connection().set(`${redisKey('dtma-calls')}:${shared.address.id}`, PER_SECOND, 'EX', 30)
    await expect(step(shared)).rejects.toThrow(LaneFull)
    expect(shared.count()).toBe(0)
    expect(await codeOf(getStatus(shared.address))).toBe('TOOLBOX_BUSY')
  })

  it('goes on in the process alone while Redis is away or hangs', async () => {
    const alone = await agent()
    await redis.stop()
    expect(await codeOf(getStatus(alone.address))).toBe('answered')
    await redis.start()
    process.kill(redis.pid, 'SIGSTOP')
    try {
      expect(await codeOf(getStatus(alone.address))).toBe('answered')
    } finally {
      process.kill(redis.pid, 'SIGCONT')
    }
  })
})

describe('the circuit breaker', () => {
  it('opens after three calls without an answer, and then answers for the toolbox at once, with the cause', async () => {
    const [broken, fine] = [await agent(), await agent()]
    await breakDown(broken)
    const sent = broken.count()
    await expect(getStatus(broken.address)).rejects.toThrow('could not be reached')
    await expect(step(broken)).rejects.toThrow('could not be reached')
    expect(broken.count()).toBe(sent)
    expect(await codeOf(getStatus(fine.address))).toBe('answered')
  })

  it('is shown at the toolbox with its cause, and told to the admins once', async () => {
    const [broken, fine] = [await agent(), await agent()]
    await breakDown(broken)
    await expect
      .poll(() => breakerOf(broken))
      .toMatchObject({ cause: expect.stringContaining('could not be reached') })
    expect(Date.parse((await breakerOf(broken))?.openUntil ?? '')).toBeGreaterThan(Date.now() - 60_000)
    expect(await breakerOf(fine)).toBeNull()
    const { items } = await listToolboxes({ ctx: admin.ctx })
    expect(items.filter(({ breaker }) => breaker !== null).map(({ id }) => id)).toContain(broken.address.id)
    const events = () =>
      query(
        database.adminUrl,
        `SELECT data->>'breaker' AS breaker FROM events WHERE subject_id = $1 AND data ? 'breaker' ORDER BY id`,
        [broken.address.id],
      )
    await expect.poll(events).toEqual([{ breaker: 'open' }])
    broken.behave('answers')
    await expect.poll(() => codeOf(getStatus(broken.address))).toBe('answered')
    await expect.poll(() => breakerOf(broken)).toBeNull()
    await expect.poll(events).toEqual([{ breaker: 'open' }, { breaker: 'closed' }])
  })

  it('lets one call through to try while steps are told to come again', async () => {
    const broken = await agent()
    await breakDown(broken)
    const sent = broken.count()
    broken.behave('hangs')
    let trial = Promise.resolve('')
    await expect
      .poll(() => {
        trial = codeOf(getStatus(broken.address))
        return Promise.race([trial, new Promise((resolve) => setTimeout(() => resolve('is trying'), 50))])
      })
      .toBe('is trying')
    expect(await codeOf(step(broken))).toBe('Error')
    await expect(step(broken)).rejects.toThrow(LaneFull)
    await expect.poll(() => broken.count()).toBe(sent + 1)
    expect(await trial).toBe('TOOLBOX_UNREACHABLE')
    // Open again, for longer.
    expect(await codeOf(getStatus(broken.address))).toBe('TOOLBOX_UNREACHABLE')
    expect(broken.count()).toBe(sent + 1)
  })

  it('counts a refusal as an answer', async () => {
    const refusing = await agent()
    refusing.behave('refuses')
    for (let n = 0; n < 6; n++) expect(await codeOf(getStatus(refusing.address))).toBe('TOOLBOX_REFUSED')
    expect(refusing.count()).toBe(6)
  })

  it('judges a toolbox anew that has enrolled anew', async () => {
    const broken = await agent()
    await breakDown(broken)
    const anew = await startAgentStandIn(broken.address.id)
    agents.push(anew)
    expect(await codeOf(getStatus(anew.address))).toBe('answered')
  })
})

/** Long enough for the calls above to have been made. */
function closeSoon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 200))
}
