'use client'

import dynamic from 'next/dynamic'
import { useState } from 'react'
import type { Series } from '#app/components/toolboxes/metrics-chart.tsx'
import { summarise } from '#app/components/toolboxes/metrics-summary.ts'
import { MetricsTable } from '#app/components/toolboxes/metrics-table.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { cn } from '#app/components/ui/cn.ts'
import { formatBytes } from '#app/components/ui/format.ts'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'
import { type Metrics, type MetricsPoint, MetricsRange } from '#contracts/toolboxes.ts'

const RANGES: Record<MetricsRange, string> = {
  '1h': '1 hour',
  '6h': '6 hours',
  '24h': '1 day',
  '7d': '7 days',
}
/** A sample comes every 30 s. */
const REFETCH_MS = 30_000

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' })

// The chart library is worth loading only where there are charts.
const MetricsChart = dynamic(
  () =>
    import('#app/components/toolboxes/metrics-chart.tsx').then((module) => module.MetricsChart<MetricsPoint>),
  { ssr: false, loading: () => <Skeleton className="h-36" /> },
)

const percent = (share: number) => `${Math.round(share * 100)}%`

interface Measured extends Series<MetricsPoint> {
  peak?: (point: MetricsPoint) => number | null
}

/** CPU load, memory and disk of a toolbox over time, as lines and as words. */
export function MetricsCard({ id }: { id: string }) {
  const [range, setRange] = useState<MetricsRange>('1h')
  const metrics = trpc.toolboxes.metrics.useQuery(
    { id, range },
    { refetchInterval: REFETCH_MS, placeholderData: (before) => before },
  )
  return (
    <Card aria-label="Machine over time">
      <CardHeader
        title="Over time"
        actions={
          <fieldset className="flex gap-1 rounded-lg bg-sunken p-1">
            <legend className="sr-only">Range</legend>
            {MetricsRange.options.map((option) => (
              <button
                key={option}
                type="button"
                aria-pressed={option === range}
                onClick={() => setRange(option)}
                className={cn(
                  'rounded-md px-2.5 py-1 text-[0.8125rem]',
                  option === range
                    ? 'bg-surface font-medium text-ink shadow-card'
                    : 'text-muted hover:text-ink',
                )}
              >
                {RANGES[option]}
              </button>
            ))}
          </fieldset>
        }
      />
      <div className="px-4 py-4 sm:px-5">
        <QueryView query={metrics} loading={<Skeleton className="h-40" />}>
          {(data) => <Charts metrics={data} />}
        </QueryView>
      </div>
    </Card>
  )
}

function Charts({ metrics }: { metrics: Metrics }) {
  const { points } = metrics
  const series: Measured[] = [
    {
      label: 'CPU load',
      value: (point) => point.load,
      peak: (point) => point.loadMax,
      highest: null,
      format: percent,
    },
    {
      label: 'Memory in use',
      value: (point) => point.memoryUsedBytes,
      peak: (point) => point.memoryUsedMaxBytes,
      highest: metrics.memoryTotalBytes,
      format: formatBytes,
    },
    {
      label: 'Disk in use',
      value: (point) => point.diskUsedBytes,
      highest: metrics.diskTotalBytes,
      format: formatBytes,
    },
  ]
  if (!points.some((point) => point.load !== null))
    return <p className="text-sm text-muted">It has said nothing of itself in this time.</p>
  return (
    <div className="grid gap-5">
      <div className="grid gap-5 lg:grid-cols-3">
        {series.map((one) => (
          <Figure key={one.label} series={one} metrics={metrics} />
        ))}
      </div>
      <MetricsTable metrics={metrics} />
    </div>
  )
}

function Figure({ series, metrics }: { series: Measured; metrics: Metrics }) {
  const summary = summarise(metrics.points, series.value, series.peak)
  return (
    <figure className="grid content-start gap-2">
      <figcaption className="text-[0.8125rem]">
        <span className="font-medium">{series.label}</span>
        {summary ? (
          <span className="block text-muted tabular-nums">
            now {series.format(summary.last)}, mean {series.format(summary.mean)}, highest{' '}
            {series.format(summary.highest)}
            {series.highest === null ? '' : ` of ${series.format(series.highest)}`}
          </span>
        ) : null}
      </figcaption>
      <MetricsChart series={series} points={metrics.points} tick={metrics.range === '7d' ? day : time} />
    </figure>
  )
}
