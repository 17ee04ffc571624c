'use client'

import { Activity } from 'lucide-react'
import dynamic from 'next/dynamic'
import { Badge } from '#app/components/ui/badge.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { formatLatency, plural } from '#app/components/ui/format.ts'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { describeFailure } from '#app/trpc/failure.ts'
import type { ConnectionCheck, ConnectionDetail } from '#contracts/agents.ts'

/** Of the list; the chart has all. */
const LISTED = 50

const LatencyChart = dynamic(
  () =>
    import('#app/components/toolboxes/metrics-chart.tsx').then(
      (module) => module.MetricsChart<ConnectionCheck>,
    ),
  { ssr: false, loading: () => <Skeleton className="h-36" /> },
)
const tick = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' })

/** The tests of now and then: how long the server took, and when it did not answer. */
export function ChecksPanel({ connection }: { connection: ConnectionDetail }) {
  const { checks } = connection
  if (checks.length === 0)
    return (
      <EmptyState icon={Activity} title="Not tested again yet">
        <p>The connection is tested every few minutes; what comes of it stands here for 30 days.</p>
      </EmptyState>
    )
  const failed = checks.filter(({ ok }) => !ok).length
  return (
    <div className="grid gap-5">
      <Card aria-label="Latency">
        <CardHeader
          title="Time to answer"
          hint={`${plural(checks.length, 'test')} in 7 days, ${failed === 0 ? 'none' : failed} of them failed`}
        />
        <div className="px-4 py-4 sm:px-5">
          <LatencyChart
            series={{
              label: 'Time to answer',
              value: ({ latencyMs }) => latencyMs,
              highest: null,
              format: (ms) => (ms === 0 ? '0' : formatLatency(ms)),
            }}
            points={checks.toReversed()}
            tick={tick}
          />
        </div>
      </Card>
      <ul
        aria-label="Tests"
        className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface"
      >
        {checks.slice(0, LISTED).map((check) => (
          <CheckRow key={check.at} check={check} />
        ))}
      </ul>
    </div>
  )
}

function CheckRow({ check }: { check: ConnectionCheck }) {
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-sm">
      <Badge tone={check.ok ? 'ok' : 'bad'}>{check.ok ? 'Passed' : 'Failed'}</Badge>
      <span className="min-w-0 flex-1 basis-48">
        {check.failure ? describeFailure(check.failure).text : null}
        {check.latencyMs === null || !check.ok ? null : `answered in ${formatLatency(check.latencyMs)}`}
      </span>
      <span className="text-muted">
        <RelativeTime at={check.at} />
      </span>
    </li>
  )
}
