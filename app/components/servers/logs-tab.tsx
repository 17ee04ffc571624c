'use client'

import { Download, Pause, Play, RotateCw, ScrollText, Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { LogLines } from '#app/components/servers/log-lines.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { plural } from '#app/components/ui/format.ts'
import { Input } from '#app/components/ui/input.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { LogLine } from '#contracts/dtma.ts'

/** As often as one reads; polls only while the tab is shown and nothing has failed. */
const FOLLOW_MS = 2_000
const TAIL = 1_000

function download(name: string, lines: LogLine[]): void {
  const text = lines.map((line) => `${line.at} ${line.stream} ${line.text}\n`).join('')
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${name}.log`
  link.click()
  URL.revokeObjectURL(url)
}

/** The server's own output, followed while it is in view. */
export function LogsTab({ id, name }: { id: string; name: string }) {
  const [follow, setFollow] = useState(true)
  const [search, setSearch] = useState('')
  const logs = trpc.servers.logs.useQuery(
    { id, tail: TAIL },
    { refetchInterval: (query) => (follow && !query.state.error ? FOLLOW_MS : false), staleTime: 0 },
  )
  const view = useRef<HTMLDivElement>(null)
  const lines = logs.data?.lines ?? []
  const wanted = search.trim().toLowerCase()
  const shown = wanted ? lines.filter((line) => line.text.toLowerCase().includes(wanted)) : lines
  const newest = lines.at(-1)?.at

  // Runs whenever a newer line has come.
  useEffect(() => {
    if (follow && view.current) view.current.scrollTop = view.current.scrollHeight
  }, [follow, newest, lines.length])

  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap gap-2">
        <div className="relative min-w-44 flex-1">
          <Search aria-hidden className="absolute top-3 left-3 size-4 text-muted" />
          <Input
            type="search"
            aria-label="Search the log"
            placeholder="Search"
            className="pl-9"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </div>
        <Button aria-pressed={follow} onClick={() => setFollow(!follow)}>
          {follow ? <Pause aria-hidden /> : <Play aria-hidden />}
          {follow ? 'Following' : 'Follow'}
        </Button>
        <Button onClick={() => void logs.refetch()} busy={!follow && logs.isFetching}>
          <RotateCw aria-hidden />
          Refresh
        </Button>
        <Button onClick={() => download(name, lines)} disabled={lines.length === 0}>
          <Download aria-hidden />
          Download
        </Button>
      </div>
      {logs.error ? (
        <FailureNotice
          failure={readFailure(logs.error)}
          onRetry={() => void logs.refetch()}
          alwaysRetry
          retrying={logs.isFetching}
        />
      ) : null}
      {logs.isPending ? <Skeleton className="h-80" /> : null}
      {logs.data ? (
        <div className="overflow-hidden rounded-xl bg-code text-on-code">
          <div
            ref={view}
            role="log"
            aria-label={`Log of ${name}`}
            aria-live="off"
            tabIndex={0}
            className="h-[26rem] overflow-auto py-3 -outline-offset-2"
          >
            {shown.length > 0 ? (
              <LogLines lines={shown} />
            ) : (
              <div className="grid h-full place-content-center justify-items-center gap-2 text-sm text-on-code/70">
                <ScrollText aria-hidden className="size-6" />
                {wanted ? 'No line contains this.' : 'The server has written nothing yet.'}
              </div>
            )}
          </div>
          <p className="flex flex-wrap justify-between gap-x-4 border-t border-white/12 px-4 py-2 text-xs text-on-code/70">
            <span>
              {wanted ? `${shown.length} of ` : ''}
              {plural(lines.length, 'line')}
            </span>
            <span>
              {logs.data.source === 'kept' ? 'Kept from its last run' : 'Straight from the toolbox'}
            </span>
          </p>
        </div>
      ) : null}
    </div>
  )
}
