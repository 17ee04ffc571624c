import type { Row } from './contender.ts'

/** What the gateway has to reach; see docs/adr/0021-gateway-bench.md. */
const SHARE_OF_PASS_THROUGH = 0.5
const TIMES_A_PEER = 2
const ADDED_P50_MS = 1.5

const SERVERS = {
  http: 'static server, HTTP',
  stdio: 'static server, stdio',
  everything: 'server-everything, HTTP',
}

type Verdict = { text: string; met: boolean }

/** Text lines; `added` is over direct to the same server at the same number of connections. */
export function tableOf(rows: readonly Row[]): string[] {
  const header = [
    '',
    'conns',
    'req/s',
    '/ pass-through',
    'p50 ms',
    'added',
    'p99 ms',
    'added',
    'CPU ms',
    'MiB',
  ]
  const lines: string[][] = []
  for (const upstream of ['http', 'stdio', 'everything'] as const) {
    const some = rows.filter((row) => row.upstream === upstream)
    if (some.length === 0) continue
    lines.push([SERVERS[upstream]])
    for (const row of some) {
      const name = `  ${row.name}${row.spawnsPerRequest ? ' *' : ''}`
      if (row.failed !== null) {
        lines.push([name, String(row.connections), 'failed'])
        continue
      }
      const find = (other: string) =>
        rows.find(
          (one) => one.name === other && one.upstream === row.upstream && one.connections === row.connections,
        )
      const [direct, bare] = [find('direct'), find('bare pass-through')]
      lines.push([
        name,
        String(row.connections),
        row.perSecond.toFixed(0),
        bare ? `${((row.perSecond / bare.perSecond) * 100).toFixed(0)}%` : '',
        row.p50.toFixed(2),
        direct ? (row.p50 - direct.p50).toFixed(2) : '',
        row.p99.toFixed(2),
        direct ? (row.p99 - direct.p99).toFixed(2) : '',
        row.cpuMs > 0 ? row.cpuMs.toFixed(2) : '',
        row.memoryMb > 0 ? row.memoryMb.toFixed(0) : '',
      ])
    }
  }
  const all = [header, ...lines]
  const widths = header.map((_, at) => Math.max(...all.map((line) => line[at]?.length ?? 0)))
  return all.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** Each target with the figure that it is about; those whose contenders were left out are not told. */
export function judge(rows: readonly Row[]): Verdict[] {
  const find = (name: string, upstream: Row['upstream'], connections: number) =>
    rows.find(
      (row) =>
        row.name === name &&
        row.upstream === upstream &&
        row.connections === connections &&
        row.failed === null,
    )
  const verdicts: Verdict[] = []
  const [gateway, bare] = [find('gateway', 'http', 16), find('bare pass-through', 'http', 16)]
  if (gateway && bare) {
    const share = gateway.perSecond / bare.perSecond
    const percent = `${(share * 100).toFixed(0)}%`
    verdicts.push({
      text: `${percent} of the bare pass-through at 16 connections (at least ${SHARE_OF_PASS_THROUGH * 100}%)`,
      met: share >= SHARE_OF_PASS_THROUGH,
    })
  }
  const [one, direct] = [find('gateway', 'http', 1), find('direct', 'http', 1)]
  if (one && direct) {
    const added = one.p50 - direct.p50
    const hop = find('gateway, toolbox', 'http', 1)
    const more = hop ? `; the hop over the toolbox adds ${(hop.p50 - one.p50).toFixed(2)} ms more` : ''
    verdicts.push({
      text: `p50 ${added.toFixed(2)} ms over direct at 1 connection (at most ${ADDED_P50_MS} ms)${more}`,
      met: added <= ADDED_P50_MS,
    })
  }
  for (const row of rows) {
    if (!row.peer || row.spawnsPerRequest || row.failed !== null) continue
    const ours = find('gateway, toolbox', row.upstream, row.connections)
    if (ours === undefined) continue
    const times = ours.perSecond / row.perSecond
    const where = `${row.name}, ${SERVERS[row.upstream]}, ${row.connections} connections`
    verdicts.push({
      text: `${times.toFixed(1)} × ${where} (at least ${TIMES_A_PEER} ×)`,
      met: times >= TIMES_A_PEER,
    })
  }
  return verdicts
}
