import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readEnviron, readProcessTable } from '#dtma/drivers/process/process-table.ts'
import { type Installation, startInstallation } from './installation.ts'
import { until } from './until.ts'

const AT_ONCE = 20
/** npm runs twice at a time on the toolbox; a machine with other things to do needs several seconds for each. */
const ALL_LIVE_MS = 240_000

let installation: Installation
beforeAll(async () => {
  installation = await startInstallation(['plain-server'])
}, 240_000)
afterAll(() => installation?.stop(), 60_000)

/** Processes on this machine that run the fixture for this instance. */
function runningFor(instanceId: string): number[] {
  return readProcessTable()
    .filter(({ pid, zombie }) => !zombie && readEnviron(pid).some((entry) => entry.endsWith(instanceId)))
    .map(({ pid }) => pid)
    .filter((pid) => {
      try {
        const [program = '', script = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return program.endsWith('node') && script.endsWith('/server.js')
      } catch {
        return false
      }
    })
}

it('twenty deployments at once all go live, and none twice', { timeout: 2 * ALL_LIVE_MS }, async () => {
  const limits = { memoryMb: 64, cpus: 0.1 }
  const servers = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, n) => installation.deploy(`server-${n}`, 'plain-server', { limits })),
  )
  const endings = await Promise.all(
    servers.map(({ deploymentId }) => installation.ended(deploymentId, ALL_LIVE_MS)),
  )
  expect(endings.map(({ state }) => state)).toEqual(Array.from({ length: AT_ONCE }, () => 'live'))

  const instances = await installation.rows<{ id: string; server_id: string; attempt: number }>(
    'SELECT id, server_id, attempt FROM instances',
  )
  expect(instances.map(({ server_id }) => server_id).toSorted()).toEqual(
    servers.map(({ serverId }) => serverId).toSorted(),
  )
  expect(instances.every(({ attempt }) => attempt === 1)).toBe(true)
  expect(instances.map(({ id }) => runningFor(id).length)).toEqual(instances.map(() => 1))
  const announced = await installation.rows<{ n: number }>(
    `SELECT count(*)::int AS n FROM events WHERE type = 'deployment.updated' AND data->>'state' = 'live' GROUP BY subject_id`,
  )
  expect(announced).toEqual(instances.map(() => ({ n: 1 })))

  const queue = await until('no job is left', async () => {
    const { queues, state } = await installation.client.status.queues.query()
    const provision = queues.find(({ name }) => name === 'provision')
    const left = provision && provision.waiting + provision.active + provision.delayed
    return left === 0 && state === 'ok' && provision
  })
  expect(queue).toMatchObject({ done: AT_ONCE, failed: 0, workers: 1 })
})
