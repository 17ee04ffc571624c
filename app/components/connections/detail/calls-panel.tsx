'use client'

import { PhoneCall } from 'lucide-react'
import { useState } from 'react'
import { Badge, type Tone } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { CodeBlock } from '#app/components/ui/code-block.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { formatBytes, formatLatency } from '#app/components/ui/format.ts'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'
import { type Call, CallOutcome } from '#contracts/calls.ts'

const OUTCOMES: Record<CallOutcome, { label: string; tone: Tone }> = {
  ok: { label: 'Answered', tone: 'ok' },
  tool_error: { label: 'Tool error', tone: 'warn' },
  failed: { label: 'Failed', tone: 'bad' },
  refused: { label: 'Refused', tone: 'warn' },
  cancelled: { label: 'Cancelled', tone: 'neutral' },
}
const ANY = 'any'

/** The calls that went over a connection, newest first. */
export function CallsPanel({ id }: { id: string }) {
  const [outcome, setOutcome] = useState<CallOutcome | typeof ANY>(ANY)
  const calls = trpc.connections.calls.useInfiniteQuery(
    { id, ...(outcome === ANY ? {} : { outcome }) },
    { getNextPageParam: ({ next }) => next, initialCursor: undefined },
  )
  const wanted = [ANY, ...CallOutcome.options] as const
  return (
    <div className="grid gap-4">
      <Select
        aria-label="Outcome"
        className="sm:w-56"
        value={outcome}
        onValueChange={(value) => setOutcome(wanted.find((one) => one === value) ?? ANY)}
        options={wanted.map((value) => ({
          value,
          label: value === ANY ? 'All calls' : OUTCOMES[value].label,
        }))}
      />
      <QueryView query={calls}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items)
          if (items.length === 0)
            return (
              <EmptyState icon={PhoneCall} title={outcome === ANY ? 'No calls yet' : 'No such call'}>
                <p>Calls stand here for 30 days.</p>
              </EmptyState>
            )
          return (
            <ul
              aria-label="Calls"
              className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface"
            >
              {items.map((call) => (
                <CallRow key={call.id} call={call} />
              ))}
            </ul>
          )
        }}
      </QueryView>
      {calls.hasNextPage ? (
        <Button
          className="justify-self-center"
          busy={calls.isFetchingNextPage}
          onClick={() => void calls.fetchNextPage()}
        >
          Show older calls
        </Button>
      ) : null}
    </div>
  )
}

function CallRow({ call }: { call: Call }) {
  const { label, tone } = OUTCOMES[call.outcome]
  return (
    <li className="grid gap-2 px-4 py-2.5 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Badge tone={tone}>{label}</Badge>
        <code className="min-w-0 flex-1 basis-40 font-mono break-all">{call.tool}</code>
        {call.code ? <code className="font-mono text-[0.8125rem] text-muted">{call.code}</code> : null}
        <span className="text-muted tabular-nums">{formatLatency(call.ms)}</span>
        <span className="text-muted tabular-nums">{formatBytes(call.responseBytes)}</span>
        {call.via === 'inspector' ? <span className="text-muted">tried by hand</span> : null}
        <span className="text-muted">
          <RelativeTime at={call.at} />
        </span>
      </div>
      {call.arguments === null || call.arguments === undefined ? null : (
        <details>
          <summary className="w-fit rounded text-[0.8125rem] text-muted hover:text-ink">Arguments</summary>
          <CodeBlock className="mt-1.5" what="arguments" code={JSON.stringify(call.arguments, null, 2)} />
        </details>
      )}
    </li>
  )
}
