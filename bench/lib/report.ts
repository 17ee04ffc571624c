import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

/** What the figures were measured on; the load tells how much else went on. */
export function machine() {
  return {
    node: process.version,
    cpus: availableParallelism(),
    model: cpus()[0]?.model ?? 'unknown',
    memoryMb: Math.round(totalmem() / 1024 / 1024),
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
    at: new Date().toISOString(),
  }
}

/** Prints the lines, and writes the result as JSON where asked to. */
export function tell(lines: readonly string[], result: object, out: string | null): void {
  process.stdout.write(`${lines.join('\n')}\n`)
  if (out === null) return
  writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`)
  process.stdout.write(`Written to ${out}\n`)
}
