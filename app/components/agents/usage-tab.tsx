'use client'

import { ChartColumn } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { formatBytes, formatLatency, plural } from '#app/components/ui/format.ts'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'
import { type Usage, UsageRange } from '#contracts/calls.ts'

const RANGES: Record<Usage['range'], string> = { '24h': '24 hours', '7d': '7 days', '30d': '30 days' }
const REFETCH_MS = 30_000
type Point = Usage['series'][number] & { at: string }

const Chart = dynamic(
  () => import('#app/components/toolboxes/metrics-chart.tsx').then((module) => module.MetricsChart<Point>),
  { ssr: false, loading: () => <Skeleton className="h-36" /> },
)
const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

/** An axis of few calls has steps between whole ones, which say nothing. */
const count = (value: number) => (Number.isInteger(value) ? String(value) : '')

/** What the agent called: over time, and tool by tool. */
export function UsageTab({ agentId }: { agentId: string }) {
  const [range, setRange] = useState<Usage['range']>('24h')
  const usage = trpc.agents.usage.useQuery(
    { id: agentId, range },
    { refetchInterval: REFETCH_MS, placeholderData: (before) => before },
  )
  return (
    <div className="grid gap-4">
      <Select
        aria-label="Time"
        className="sm:w-40"
        value={range}
        onValueChange={(next) => setRange(UsageRange.parse(next))}
        options={UsageRange.options.map((value) => ({ value, label: RANGES[value] }))}
      />
      <QueryView query={usage}>{(data) => <Figures usage={data} />}</QueryView>
    </div>
  )
}

function Figures({ usage }: { usage: Usage }) {
  const { total, series, tools } = usage
  if (total.calls === 0)
    return (
      <EmptyState icon={ChartColumn} title="No calls in this time">
        <p>Calls of this agent's tools stand here, with their errors and how long they took.</p>
      </EmptyState>
    )
  const points = series.map((one) => ({ ...one, at: one.from }))
  const tick = usage.range === '24h' ? hour : day
  return (
    <>
      <Card aria-label="Calls over time">
        <CardHeader
          title="Calls over time"
          hint={`${plural(total.calls, 'call')}, ${total.errors === 0 ? 'none' : total.errors} of them failed${total.p95 === null ? '' : `, 95% within ${formatLatency(total.p95)}`}, ${formatBytes(total.bytes)} in all`}
        />
        <div className="grid gap-5 px-4 py-4 sm:px-5 lg:grid-cols-2">
          <figure>
            <figcaption className="mb-2 text-[0.8125rem] font-medium">Calls</figcaption>
            <Chart
              series={{
                label: 'Calls',
                value: ({ calls }) => calls,
                highest: null,
                format: count,
              }}
              points={points}
              tick={tick}
            />
          </figure>
          <figure>
            <figcaption className="mb-2 text-[0.8125rem] font-medium">Errors</figcaption>
            <Chart
              series={{
                label: 'Errors',
                value: ({ errors }) => errors,
                highest: null,
                format: count,
              }}
              points={points}
              tick={tick}
            />
          </figure>
        </div>
      </Card>
      <Card aria-label="By tool">
        <CardHeader title="By tool" />
        <ul aria-label="Calls by tool" className="divide-y divide-line">
          {tools.map((tool) => (
            <li
              key={`${tool.connectionId} ${tool.tool}`}
              className="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-4 py-2.5 text-sm sm:px-5"
            >
              <span className="min-w-0 flex-1 basis-48">
                <code className="font-mono font-semibold break-all">{tool.tool}</code>
                {tool.serverName ? <span className="ml-2 text-muted">{tool.serverName}</span> : null}
              </span>
              <span className="text-muted tabular-nums">
                {plural(tool.calls, 'call')}
                {tool.errors > 0 ? `, ${tool.errors} failed` : ''}
                {tool.p50 === null ? '' : `, half within ${formatLatency(tool.p50)}`}
              </span>
            </li>
          ))}
        </ul>
      </Card>
    </>
  )
}
