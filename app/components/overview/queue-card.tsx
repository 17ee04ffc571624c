'use client'

import { CircleCheck, Hourglass, type LucideIcon, OctagonAlert } from 'lucide-react'
import { Badge, type Tone } from '#app/components/ui/badge.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { formatDuration, plural } from '#app/components/ui/format.ts'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure } from '#app/trpc/failure.ts'
import type { PressureState, QueuePressure, QueueReport } from '#contracts/queues.ts'

/** Queues change from moment to moment and have no events of their own. */
const REFETCH_MS = 5_000

const LOOKS: Record<PressureState, { tone: Tone; icon: LucideIcon; label: string }> = {
  ok: { tone: 'ok', icon: CircleCheck, label: 'Ok' },
  busy: { tone: 'warn', icon: Hourglass, label: 'Busy' },
  stuck: { tone: 'bad', icon: OctagonAlert, label: 'Stuck' },
}

const LABELS: Record<string, string> = {
  provision: 'Deployments',
  'connection-test': 'Connection tests',
  recheck: 'Repeated connection tests',
  'status-sync': 'Status of toolboxes',
  reconcile: 'Reconciliation',
}

function StateBadge({ state }: { state: PressureState }) {
  const { tone, icon: Icon, label } = LOOKS[state]
  return (
    <Badge tone={tone}>
      <Icon aria-hidden className="size-3.5" />
      {label}
    </Badge>
  )
}

const age = (ms: number | null) => (ms === null ? 'none' : formatDuration(ms))

function Row({
  label,
  state,
  figures,
}: {
  label: string
  state: PressureState
  figures: (string | number)[]
}) {
  return (
    <tr>
      <th scope="row" className="py-2 pr-4 text-left font-medium">
        {label}
      </th>
      {figures.map((figure, at) => (
        <td key={COLUMNS[at]} className="px-2 py-2 text-right whitespace-nowrap tabular-nums">
          {figure}
        </td>
      ))}
      <td className="py-2 pl-4 text-right">
        <StateBadge state={state} />
      </td>
    </tr>
  )
}

const COLUMNS = ['Waiting', 'Active', 'Between steps', 'Oldest', 'Done in 1 h', 'Failed in 1 h', 'Workers']

const figuresOf = (queue: QueuePressure) => [
  queue.waiting,
  queue.active,
  queue.recurring ? '' : queue.delayed,
  queue.recurring ? '' : age(queue.oldestMs),
  queue.done,
  queue.failed,
  queue.workers,
]

function Report({ report }: { report: QueueReport }) {
  const { outbox, queues, problem } = report
  return (
    <>
      {problem ? <FailureNotice failure={describeFailure(problem)} className="mb-3" /> : null}
      {/* Scrolls by itself on narrow screens, and can be reached by keyboard. */}
      <div className="overflow-x-auto" role="region" aria-label="Figures of the queues" tabIndex={0}>
        <table className="w-full min-w-[44rem] text-[0.8125rem]">
          <thead>
            <tr className="border-b border-line text-muted">
              <th scope="col" className="py-2 pr-4 text-left font-medium">
                Queue
              </th>
              {COLUMNS.map((column) => (
                <th key={column} scope="col" className="px-2 py-2 text-right font-medium whitespace-nowrap">
                  {column}
                </th>
              ))}
              <th scope="col" className="py-2 pl-4 text-right font-medium">
                State
              </th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {queues.map((queue) => (
              <Row
                key={queue.name}
                label={LABELS[queue.name] ?? queue.name}
                state={queue.state}
                figures={figuresOf(queue)}
              />
            ))}
            <Row
              label="Not yet handed over"
              state={outbox.state}
              figures={[outbox.waiting, '', '', age(outbox.oldestMs), '', '', '']}
            />
          </tbody>
        </table>
      </div>
    </>
  )
}

function summary({ queues, outbox }: QueueReport): string {
  const under = queues.filter(({ recurring }) => !recurring)
  const jobs = under.reduce(
    (sum, queue) => sum + queue.waiting + queue.active + queue.delayed,
    outbox.waiting,
  )
  const workers = Math.max(0, ...queues.map((queue) => queue.workers))
  return `${plural(jobs, 'job')} under way, ${plural(workers, 'worker')}`
}

/** How much is asked for and how much of it is carried out, with the figures folded away while all is well. */
export function QueueCard() {
  const report = trpc.status.queues.useQuery(undefined, { refetchInterval: REFETCH_MS })
  const data = report.data
  return (
    <Card aria-label="Queues">
      <CardHeader
        title="Queues"
        hint={data ? summary(data) : undefined}
        actions={data ? <StateBadge state={data.state} /> : null}
      />
      <div className="px-4 py-3 sm:px-5">
        <QueryView query={report} loading={<Skeleton className="h-10" />}>
          {(current) =>
            current.state === 'ok' ? (
              <details>
                <summary className="w-fit rounded text-[0.8125rem] text-muted hover:text-ink">
                  Figures of each queue
                </summary>
                <div className="pt-2">
                  <Report report={current} />
                </div>
              </details>
            ) : (
              <Report report={current} />
            )
          }
        </QueryView>
      </div>
    </Card>
  )
}
