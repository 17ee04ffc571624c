import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { HeartbeatResponse, InstanceAssignment, PutInstance } from '#contracts/dtma.ts'
import type { InstanceStatus } from '#contracts/instances.ts'
import { AgentFailure } from '#dtma/agent-failure.ts'
import type { Driver } from '#dtma/drivers/driver.ts'
import type { Home } from '#dtma/home.ts'
import { createSeats } from '#dtma/isolated/seats.ts'
import type { Logger } from '#dtma/logger.ts'
import type { InstanceRecord, InstanceStore } from '#dtma/state/instance-store.ts'
import { createRedactor } from '#protocol/redact.ts'
import { acceptPut } from './accept-put.ts'
import { createInstanceLog } from './instance-log.ts'
import { createInstanceRunner, type InstanceRunner } from './runner.ts'
import type { RunnerServices } from './runner-types.ts'
import { createSlots } from './slots.ts'

/** npm is busy on every core; more installs at once only make each slower. */
const INSTALLS_AT_ONCE = 2
/** Longer than any worker, lease or queue keeps a request that a tombstone has to refuse. */
const TOMBSTONE_MS = 30 * 24 * 3600_000
/** Tombstones in a status, newest first; the control plane asks for others one by one. */
const TOMBSTONES_SHOWN = 200

type DesiredEntry = HeartbeatResponse['instances'][number]

export type InstanceManager = {
  /** Ends leftovers of an earlier run and brings every instance back to what is wanted of it. */
  start(): Promise<void>
  /** The one mutation. Throws AgentFailure STALE_FENCE, SPEC_NEEDED or BAD_REQUEST. */
  put(id: string, put: PutInstance): Promise<InstanceStatus>
  runner(id: string): InstanceRunner | undefined
  statuses(): InstanceStatus[]
  /** Counts accepted changes; to be read before a heartbeat and handed back with its answer. */
  stamp(): number
  /**
   * Applies what a heartbeat answered, except to instances that were changed after `stamp`: their entries may be older.
   * `fetchAssignment` gets the specs that are not known here.
   */
  applyDesired(
    entries: DesiredEntry[],
    stamp: number,
    fetchAssignment: (id: string) => Promise<InstanceAssignment>,
  ): Promise<void>
  /** Deletes every instance: the agent was handed over to another toolbox. */
  removeAll(): Promise<void>
  /** Ends every server; what is wanted of them stays on disk. */
  shutdown(): Promise<void>
}

export function createInstanceManager(options: {
  driver: Driver
  store: InstanceStore
  home: Home
  logger: Logger
  readyTimeoutMs: number
  remotes: RunnerServices['remotes']
  /** Of isolated servers: sessions of each at most, and milliseconds without use after which one ends. */
  isolated: { sessions: number; idleMs: number }
  onChange(): void
}): InstanceManager {
  const { driver, store, home, logger } = options
  const runners = new Map<string, InstanceRunner>()
  const changedAt = new Map<string, number>()
  const queues = new Map<string, Promise<unknown>>()
  const installSlots = createSlots(INSTALLS_AT_ONCE)
  const seats = createSeats({
    totalBytes: totalmem(),
    perInstance: options.isolated.sessions,
    instances: () =>
      [...runners.values()].flatMap((runner) => {
        const { id, desired, spec } = runner.record()
        const here = desired === 'running' && spec !== null && spec.source.type !== 'remote'
        return here ? [{ id, memoryMb: spec.limits.memoryMb }] : []
      }),
  })
  let stamp = 0

  function open(record: InstanceRecord): InstanceRunner {
    const runner = createInstanceRunner(
      {
        driver,
        installSlots,
        logger,
        log: createInstanceLog(join(home.logs, record.id), createRedactor([])),
        readyTimeoutMs: options.readyTimeoutMs,
        remotes: options.remotes,
        seats,
        sessionIdleMs: options.isolated.idleMs,
        saveRecord: (next) => inOrder(next.id, () => saveReady(next.id)),
        onChange: () => options.onChange(),
      },
      record,
    )
    runners.set(record.id, runner)
    return runner
  }

  /** The runner only ever adds that it was ready; the rest of the record may have moved on meanwhile. */
  async function saveReady(id: string): Promise<void> {
    const record = runners.get(id)?.record()
    if (record !== undefined) await store.save({ ...record, everReady: true })
  }

  /** Changes of one instance happen one after another, so the disk never holds an older one than the memory. */
  function inOrder<T>(id: string, task: () => Promise<T>): Promise<T> {
    const result = (queues.get(id) ?? Promise.resolve()).then(task, task)
    const settled = result.catch(() => {})
    queues.set(id, settled)
    void settled.then(() => {
      if (queues.get(id) === settled) queues.delete(id)
    })
    return result
  }

  async function accept(id: string, put: PutInstance): Promise<InstanceStatus> {
    const runner = runners.get(id)
    const next = acceptPut(runner?.record() ?? null, id, put, new Date())
    if (next !== null) {
      await store.save(next)
      changedAt.set(id, ++stamp)
      if (runner === undefined) open(next)
      else runner.update({ ...next, everReady: next.everReady || keepsReady(runner, next) })
    }
    return (runners.get(id) as InstanceRunner).status()
  }

  async function applyOne(
    entry: DesiredEntry,
    since: number,
    fetchAssignment: (id: string) => Promise<InstanceAssignment>,
  ): Promise<void> {
    if ((changedAt.get(entry.id) ?? 0) > since) return
    const known = runners.get(entry.id)?.record()
    if (known !== undefined && entry.fence < known.fence) return
    const needsSpec = entry.desired !== 'absent' && (known?.spec ?? null) === null
    const put: PutInstance = needsSpec ? await fetchAssignment(entry.id) : entry
    await inOrder(entry.id, async () => {
      if ((changedAt.get(entry.id) ?? 0) <= since) await accept(entry.id, put)
    })
  }

  return {
    async start() {
      const records = await store.load((file, error) =>
        logger.error({ file, err: error }, 'damaged record set aside'),
      )
      const oldest = Date.now() - TOMBSTONE_MS
      const kept: InstanceRecord[] = []
      for (const record of records) {
        if (record.desired === 'absent' && Date.parse(record.changedAt) < oldest)
          await store.forget(record.id)
        else kept.push(record)
      }
      const known = kept.filter((record) => record.desired !== 'absent').map((record) => record.id)
      await driver.recover(new Set(known))
      for (const record of kept) open(record)
    },
    put: (id, put) => inOrder(id, () => accept(id, put)),
    runner: (id) => runners.get(id),
    statuses() {
      const all = [...runners.values()]
      const gone = all
        .filter((runner) => runner.status().state === 'absent')
        .sort((a, b) => b.record().changedAt.localeCompare(a.record().changedAt))
        .slice(TOMBSTONES_SHOWN)
      const hidden = new Set(gone)
      return all.filter((runner) => !hidden.has(runner)).map((runner) => runner.status())
    },
    stamp: () => stamp,
    async applyDesired(entries, since, fetchAssignment) {
      for (const entry of entries) {
        try {
          await applyOne(entry, since, fetchAssignment)
        } catch (error) {
          const expected = error instanceof AgentFailure && error.code === 'STALE_FENCE'
          if (!expected) logger.warn({ err: error, instance: entry.id }, 'desired state not applied')
        }
      }
    },
    async removeAll() {
      for (const runner of [...runners.values()]) {
        const { id, fence } = runner.record()
        await inOrder(id, () => accept(id, { desired: 'absent', fence }))
      }
    },
    async shutdown() {
      await Promise.all([...runners.values()].map((runner) => runner.shutdown()))
      await Promise.all(queues.values())
      driver.close()
    },
  }
}

/** A record that was computed while the server became ready keeps that it did, unless it is gone. */
function keepsReady(runner: InstanceRunner, next: InstanceRecord): boolean {
  return next.desired !== 'absent' && runner.record().everReady
}
