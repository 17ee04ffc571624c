import { readFile, statfs } from 'node:fs/promises'
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os'
import type { HostMetrics } from '#contracts/dtma.ts'

/** The machine as it is now; disk figures are of the file system that holds `folder`. Sizes in bytes. */
export async function readHostMetrics(folder: string): Promise<HostMetrics> {
  const disk = await statfs(folder)
  return {
    cpus: availableParallelism(),
    load: loadavg()[0] ?? 0,
    memoryTotalBytes: totalmem(),
    memoryFreeBytes: await availableMemory(),
    diskTotalBytes: disk.blocks * disk.bsize,
    diskFreeBytes: disk.bavail * disk.bsize,
  }
}

/** What programs could get without swapping: Linux's MemAvailable, for caches make "free" look full. */
async function availableMemory(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'latin1').catch(() => '')
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1]
  return kibibytes === undefined ? freemem() : Number(kibibytes) * 1024
}
