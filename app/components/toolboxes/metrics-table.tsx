import { formatBytes } from '#app/components/ui/format.ts'
import type { Metrics } from '#contracts/toolboxes.ts'

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' })
const bytes = (value: number | null) => (value === null ? '–' : formatBytes(value))
const percent = (value: number | null) => (value === null ? '–' : `${Math.round(value * 100)}%`)

/** The numbers behind the lines, newest first. */
export function MetricsTable({ metrics }: { metrics: Metrics }) {
  return (
    <details className="text-[0.8125rem]">
      <summary className="w-fit rounded text-muted hover:text-ink">Show the numbers</summary>
      <div
        className="mt-2 max-h-72 overflow-auto rounded-lg border border-line"
        role="region"
        aria-label="Numbers over time"
        tabIndex={0}
      >
        <table className="w-full text-left tabular-nums">
          <thead className="sticky top-0 bg-sunken text-muted">
            <tr>
              {['Time', 'CPU load', 'Memory in use', 'Disk in use'].map((name) => (
                <th key={name} scope="col" className="px-3 py-1.5 font-medium whitespace-nowrap">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {metrics.points.toReversed().map((point) => (
              <tr key={point.at} className="border-t border-line">
                <th scope="row" className="px-3 py-1 font-normal whitespace-nowrap">
                  {full.format(new Date(point.at))}
                </th>
                <td className="px-3 py-1">{percent(point.load)}</td>
                <td className="px-3 py-1 whitespace-nowrap">{bytes(point.memoryUsedBytes)}</td>
                <td className="px-3 py-1 whitespace-nowrap">{bytes(point.diskUsedBytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
