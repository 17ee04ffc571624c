'use client'

import { Radio } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { addRows, isGap, isWanted } from '#app/components/servers/logs-store.ts'
import { type LogConnection, useLogStream } from '#app/components/servers/logs-stream.ts'
import { type LogChoice, LogsToolbar } from '#app/components/servers/logs-toolbar.tsx'
import { LogsView } from '#app/components/servers/logs-view.tsx'
import { cn } from '#app/components/ui/cn.ts'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { plural } from '#app/components/ui/format.ts'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'

const TYPING_MS = 300
/** Of what the toolbox keeps, so many that were found. */
const FOUND = 2_000
const KEPT = 200

const CONNECTIONS: Record<LogConnection, string> = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'The connection broke; it goes on where it was as soon as it is back',
  paused: 'Paused while this tab is hidden',
  ended: 'Ended',
}

/** The server's own output as it is written, of every instance that there is. */
export function LogsTab({ id, name }: { id: string; name: string }) {
  const [choice, setChoice] = useState<LogChoice>({ search: '', level: 'all', instance: 'all', wrap: true })
  const [follow, setFollow] = useState(true)
  const instanceId = choice.instance === 'all' ? undefined : choice.instance
  const level = choice.level === 'all' ? null : choice.level
  const search = useSettled(choice.search.trim())
  const stream = useLogStream({ id, instanceId })
  const found = trpc.servers.logs.useQuery(
    {
      id,
      tail: FOUND,
      ...(instanceId && { instanceId }),
      ...(search && { search }),
      ...(level && { level }),
    },
    { enabled: search !== '' || level !== null, staleTime: 0 },
  )
  const isGone = stream.connection === 'live' && stream.instances.length === 0
  const kept = trpc.servers.logs.useQuery(
    { id, tail: KEPT, ...(instanceId && { instanceId }) },
    { enabled: isGone, staleTime: 0 },
  )

  const all = useMemo(
    () => (isGone && kept.data?.source === 'kept' ? addRows(stream.rows, kept.data.lines) : stream.rows),
    [stream.rows, isGone, kept.data],
  )
  const filters = search !== '' || level !== null
  const rows = useMemo(() => {
    if (!filters) return all
    return addRows(all, found.data?.lines ?? []).filter((row) => isWanted(row, { search, level }))
  }, [all, found.data, filters, search, level])
  const names = useMemo(
    () =>
      stream.instances.length > 1
        ? new Map(stream.instances.map((one) => [one.id, `r${one.revisionNumber}.${one.attempt}`]))
        : new Map<string, string>(),
    [stream.instances],
  )

  return (
    <div className="grid gap-3">
      <LogsToolbar
        id={id}
        choice={choice}
        onChoice={(change) => setChoice({ ...choice, ...change })}
        instances={stream.instances}
        follow={follow}
        onFollow={setFollow}
      />
      {stream.failure ? (
        <FailureNotice
          failure={stream.failure}
          onRetry={stream.restart}
          alwaysRetry={stream.connection === 'ended'}
        />
      ) : null}
      {filters && found.error ? (
        <FailureNotice failure={readFailure(found.error)} onRetry={() => void found.refetch()} alwaysRetry />
      ) : null}
      {stream.connection === 'connecting' && rows.length === 0 ? (
        <Skeleton className="h-[28rem] max-h-[70vh]" />
      ) : (
        <div className="overflow-hidden rounded-xl bg-code text-on-code">
          <LogsView
            label={`Log of ${name}`}
            rows={rows}
            wrap={choice.wrap}
            follow={follow}
            onFollow={setFollow}
            names={names}
            empty={
              filters
                ? found.isFetching
                  ? 'Searching…'
                  : 'No line contains this.'
                : 'The server has written nothing yet.'
            }
          />
          <p className="flex flex-wrap justify-between gap-x-4 border-t border-white/12 px-4 py-2 text-xs text-on-code/70">
            <span>
              {plural(rows.filter((row) => !isGap(row)).length, 'line')}
              {filters ? ' found' : ''}
              {follow ? '' : ', paused here'}
            </span>
            <span role="status" className="flex items-center gap-1.5">
              <Radio
                aria-hidden
                className={cn('size-3.5', stream.connection === 'live' ? 'text-[oklch(0.81_0.128_158)]' : '')}
              />
              {isGone ? 'Kept from its last run' : CONNECTIONS[stream.connection]}
            </span>
          </p>
        </div>
      )}
    </div>
  )
}

/** A text once it has stayed the same for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MS)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}
