'use client'

import { History } from 'lucide-react'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { StatusEvent } from '#contracts/events.ts'
import { describeConnectionEvent } from './connection-event-text.ts'

/** What happened to a connection, newest first; new events appear as they happen. */
export function EventsPanel({ id }: { id: string }) {
  const events = trpc.connections.events.useInfiniteQuery(
    { id },
    { getNextPageParam: ({ next }) => next, initialCursor: undefined },
  )
  return (
    <div className="grid gap-4">
      <QueryView query={events}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items)
          if (items.length === 0)
            return (
              <EmptyState icon={History} title="Nothing happened lately">
                <p>When it fails, works again or changes, that stands here for 7 days.</p>
              </EmptyState>
            )
          return (
            <ul
              aria-label="Events"
              className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface"
            >
              {items.map((event) => (
                <EventRow key={event.id} event={event} />
              ))}
            </ul>
          )
        }}
      </QueryView>
      {events.hasNextPage ? (
        <Button
          className="justify-self-center"
          busy={events.isFetchingNextPage}
          onClick={() => void events.fetchNextPage()}
        >
          Show older events
        </Button>
      ) : null}
    </div>
  )
}

function EventRow({ event }: { event: Pick<StatusEvent, 'id' | 'type' | 'at' | 'data'> }) {
  const { label, tone, text } = describeConnectionEvent(event)
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-sm">
      <Badge tone={tone}>{label}</Badge>
      <span className="min-w-0 flex-1 basis-48 break-words">{text}</span>
      <span className="text-muted">
        <RelativeTime at={event.at} />
      </span>
    </li>
  )
}
