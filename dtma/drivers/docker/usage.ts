import { z } from 'zod'
import type { RunUsage } from '#dtma/drivers/driver.ts'
import type { Engine } from './engine.ts'

/** What is read of the engine's statistics; memory that the kernel can take back is not counted, as Docker's own tools do. */
const Stats = z.object({
  memory_stats: z.object({
    usage: z.number().optional(),
    stats: z
      .object({ inactive_file: z.number().optional(), total_inactive_file: z.number().optional() })
      .optional(),
  }),
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  pids_stats: z.object({ current: z.number().optional() }).optional(),
})

export type ContainerUsage = RunUsage & { cpuSeconds: number }

/** Null when the container does not run. */
export async function readUsage(engine: Engine, containerId: string): Promise<ContainerUsage | null> {
  const answer: unknown = await engine.api
    .getContainer(containerId)
    .stats({ stream: false, 'one-shot': true } as { stream: false })
  const parsed = Stats.safeParse(answer)
  if (!parsed.success || parsed.data.memory_stats.usage === undefined) return null
  const { memory_stats: memory, cpu_stats: cpu, pids_stats: pids } = parsed.data
  const reclaimable = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0
  return {
    memoryBytes: Math.max(0, (memory.usage ?? 0) - reclaimable),
    tasks: pids?.current ?? 0,
    cpuSeconds: cpu.cpu_usage.total_usage / 1e9,
  }
}
