import { performance } from 'node:perf_hooks'
import { type ClientTarget, type McpClient, openClient } from './mcp-client.ts'
import { usageOf } from './usage.ts'

export interface LoadResult {
  calls: number
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  /** CPU of what was measured and all below it, milliseconds a call. */
  cpuMs: number
  memoryMb: number
}

/** `connections` agents that call one after another for `ms`, each answer checked. Throws when one is wrong. */
export async function runLoad(
  target: ClientTarget,
  options: { connections: number; ms: number; pids: readonly number[] },
): Promise<LoadResult> {
  const clients = await openAll(target, options.connections)
  try {
    // Pools of connections fill, and code gets hot, before the clock runs.
    await callFor(clients, Math.min(200, options.ms / 4))
    const before = usageOf(options.pids)
    const startedAt = performance.now()
    const times = await callFor(clients, options.ms)
    const elapsed = performance.now() - startedAt
    const after = usageOf(options.pids)
    times.sort((a, b) => a - b)
    const at = (share: number) => times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? 0
    return {
      calls: times.length,
      perSecond: (times.length / elapsed) * 1000,
      p50: at(0.5),
      p99: at(0.99),
      cpuMs: (after.cpuMs - before.cpuMs) / times.length,
      memoryMb: after.memoryMb,
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

/** Not all at once: what starts a process for each session would be measured by that. */
async function openAll(target: ClientTarget, connections: number): Promise<McpClient[]> {
  const clients: McpClient[] = []
  while (clients.length < connections) {
    const some = Math.min(8, connections - clients.length)
    clients.push(...(await Promise.all(Array.from({ length: some }, () => openClient(target)))))
  }
  return clients
}

async function callFor(clients: readonly McpClient[], ms: number): Promise<Float64Array> {
  const times: number[] = []
  const until = performance.now() + ms
  await Promise.all(
    clients.map(async (client) => {
      for (let now = performance.now(); now < until; ) {
        await client.call()
        const ended = performance.now()
        times.push(ended - now)
        now = ended
      }
    }),
  )
  return Float64Array.from(times)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
