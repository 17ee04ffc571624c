import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { InstanceStatus } from '#contracts/instances.ts'
import { hasMessage } from '#scripts/start/log-file.ts'
import { closeDatabase } from '#server/db/client.ts'
import { closeDtmaClients, getStatus, type ToolboxAddress } from '#server/dtma/client.ts'
import { RECURRING } from '#server/queues/catalogue.ts'
import { producerOptions } from '#server/queues/connection.ts'
import { closeRedis } from '#server/redis.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { type Installation, startInstallation } from './installation.ts'
import { leftoversOf } from './leftovers.ts'
import { until } from './until.ts'

/** Within the 5 s of a probe's stage, and long enough to act in between. */
const SLOW_TOOLS = { TOOLS_DELAY_MS: { value: '3000' } }
/** Its lease (20 s), the queue's own patience (10 s), and the deployment itself. */
const TAKEN_OVER_MS = 60_000
/** What a thawed worker still wants to say, it says at once. */
const LAST_WORDS_MS = 4_000

let installation: Installation
const others: ChildProcess[] = []

beforeAll(async () => {
  installation = await startInstallation(['plain-server'])
  // The control plane's own clients, which this suite asks the toolbox and the queues with, read their environment at first use.
  Object.assign(process.env, installation.env)
}, 240_000)

afterEach(async () => {
  const worker = installation.toolberth.pids().worker
  if (worker) process.kill(worker, 'SIGCONT')
  for (const other of others.splice(0)) {
    other.kill('SIGTERM')
    if (other.exitCode === null) await once(other, 'exit')
  }
})

afterAll(async () => {
  await closeDtmaClients()
  await Promise.all([closeDatabase(), closeRedis()])
  await installation?.stop()
}, 60_000)

/** A second worker in a process of its own, ready. */
async function startSecondWorker(): Promise<void> {
  const other = spawn(process.execPath, ['workers/index.ts'], {
    env: installation.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  others.push(other)
  if (other.pid) noteProcess(inject('runFolder'), other.pid)
  let output = ''
  other.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-64_000)
  })
  await until('the second worker is ready', () =>
    output.split('\n').some((line) => hasMessage(line, 'worker ready')),
  )
}

function freezeWorker(): () => void {
  const pid = installation.toolberth.pids().worker
  if (pid === undefined) throw new Error('the worker does not run')
  process.kill(pid, 'SIGSTOP')
  return () => process.kill(pid, 'SIGCONT')
}

/** All that a worker may change about a server: its rows, and what its toolbox says of its instances. */
async function factsOf(serverId: string): Promise<unknown> {
  const of = (sql: string) => installation.rows(sql, [serverId])
  const instances = await of(
    'SELECT id, desired, fence, accepted, restart_nonce, started_at, gone_at FROM instances WHERE server_id = $1',
  )
  return {
    instances,
    server: await of(
      'SELECT desired, observed, live_instance_id, failure_code, fence, lease_expires_at, deleted_at FROM mcp_servers WHERE id = $1',
    ),
    deployments: await of('SELECT * FROM deployments WHERE server_id = $1'),
    phases: await of(
      'SELECT p.* FROM deployment_phases p JOIN deployments d ON d.id = p.deployment_id WHERE d.server_id = $1 ORDER BY p.id',
    ),
    audit: await of("SELECT id FROM audit_entries WHERE subject_id = $1 OR detail->>'serverId' = $1"),
    toolbox: await toolboxSays(instances.map(({ id }) => String(id))),
  }
}

/** The same once the successor, too, has given its claim back. */
async function settledFactsOf(serverId: string): Promise<unknown> {
  await until('the claim is given back', async () => {
    const sql = 'SELECT FROM mcp_servers WHERE id = $1 AND lease_expires_at IS NULL'
    return (await installation.rows(sql, [serverId])).length > 0
  })
  return factsOf(serverId)
}

/** The agent's own word on instances; their memory changes by itself. */
async function toolboxSays(ids: string[]): Promise<Partial<InstanceStatus>[]> {
  const [toolbox] = await installation.rows<ToolboxAddress>('SELECT id, url, certificate FROM toolboxes')
  if (!toolbox) throw new Error('there is no toolbox')
  const { instances } = await getStatus(toolbox)
  return instances.filter(({ id }) => ids.includes(id)).map((status) => ({ ...status, memoryBytes: null }))
}

describe('a worker that freezes for longer than its lease', () => {
  it('changes nothing of what its successor brought live', { timeout: 180_000 }, async () => {
    const server = await installation.deploy('frozen-probe', 'plain-server', { env: SLOW_TOOLS })
    await until('it is probed', async () => {
      const sql = `SELECT FROM deployments WHERE id = $1 AND state = 'probing'`
      return (await installation.rows(sql, [server.deploymentId])).length > 0
    })
    const thaw = freezeWorker()
    await startSecondWorker()
    expect(await installation.ended(server.deploymentId, TAKEN_OVER_MS)).toMatchObject({ state: 'live' })
    const before = await settledFactsOf(server.serverId)
    thaw()
    await sleep(LAST_WORDS_MS)
    expect(await factsOf(server.serverId)).toEqual(before)
    expect(await installation.remove(server)).toEqual([])
  })

  it('brings nothing back that its successor removed', { timeout: 180_000 }, async () => {
    const held = installation.registry.holdNext()
    const server = await installation.deploy('frozen-install', 'plain-server')
    await held.asked
    const thaw = freezeWorker()
    await startSecondWorker()
    expect(await installation.remove(server)).toEqual([])
    expect(await installation.ended(server.deploymentId, TAKEN_OVER_MS)).toMatchObject({
      state: 'cancelled',
      failure: { code: 'SUPERSEDED' },
    })
    const before = await settledFactsOf(server.serverId)
    held.release()
    thaw()
    await sleep(LAST_WORDS_MS)
    expect(await factsOf(server.serverId)).toEqual(before)
    expect(await leftoversOf(installation.agentHome)).toEqual([])
  })
})

/** Everything that Redis knew is gone: queues, delayed jobs, schedulers. */
async function emptyRedis(): Promise<void> {
  const redis = new Redis(installation.toolberth.redisUrl, { maxRetriesPerRequest: 1 })
  await redis.flushall().finally(() => redis.disconnect())
}

async function schedulersOf(name: string): Promise<string[]> {
  const queue = new Queue(name, producerOptions())
  try {
    await queue.waitUntilReady()
    return (await queue.getJobSchedulers()).map(({ key }) => key)
  } finally {
    await queue.close()
  }
}

describe('an emptied Redis', () => {
  it('ends no deployment, and gets its schedulers back', { timeout: 180_000 }, async () => {
    const held = installation.registry.holdNext()
    const server = await installation.deploy('flushed-install', 'plain-server')
    await held.asked
    await emptyRedis()
    held.release()
    expect(await installation.ended(server.deploymentId, 60_000)).toMatchObject({ state: 'live' })
    for (const name of Object.keys(RECURRING))
      expect(await until(`${name} recurs`, async () => (await schedulersOf(name))[0])).toBe(name)
    expect(await installation.remove(server)).toEqual([])
  })

  it('ends no connection test that waits between attempts', { timeout: 240_000 }, async () => {
    const { client, toolberth } = installation
    const server = await installation.deploy('flushed-test', 'plain-server')
    expect(await installation.ended(server.deploymentId, 60_000)).toMatchObject({ state: 'live' })
    const agent = await client.agents.create.mutate({ name: 'tester' })
    const dtma = toolberth.pids().dtma ?? 0
    process.kill(dtma, 'SIGKILL')
    const { id } = await client.connections.test.mutate({
      agentId: agent.id,
      serverId: server.serverId,
      wait: false,
    })
    const waiting = await until('the test waits for its next attempt', async () => {
      const { attempts } = await client.connections.testResult.query({ id })
      return typeof attempts.at(-1)?.retryInMs === 'number' && attempts
    })
    await emptyRedis()
    await toolberth.restarted('dtma', dtma)
    const test = await until(
      'the test ends',
      async () => {
        const found = await client.connections.testResult.query({ id })
        return found.finishedAt !== null && found
      },
      120_000,
    )
    expect(test).toMatchObject({ state: 'passed', failure: null, result: { serverName: 'plain-server' } })
    expect(test.attempts.slice(0, waiting.length)).toEqual(waiting)
    expect(test.attempts.map(({ number }) => number)).toEqual(test.attempts.map((_, index) => index + 1))
    await client.connections.create.mutate({ agentId: agent.id, serverId: server.serverId, testId: id })
    expect(await installation.remove(server)).toEqual([])
  })
})
