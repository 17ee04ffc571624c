'use client'

import { useVirtualizer } from '@tanstack/react-virtual'
import { ScrollText } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { LogLineText } from '#app/components/servers/log-lines.tsx'
import { isGap, type LogRow, rowKey } from '#app/components/servers/logs-store.ts'
import { cn } from '#app/components/ui/cn.ts'
import { plural } from '#app/components/ui/format.ts'

const ROW_PX = 22
/** So near to the end a reader is at the end. */
const AT_END_PX = 32

interface LogsViewProps {
  label: string
  rows: readonly LogRow[]
  wrap: boolean
  follow: boolean
  onFollow: (follow: boolean) => void
  /** Short names of instances by id, where there are several. */
  names: ReadonlyMap<string, string>
  empty: string
}

/** The lines that are in view, of however many; scrolling up pauses, scrolling to the end follows again. */
export function LogsView({ label, rows, wrap, follow, onFollow, names, empty }: LogsViewProps) {
  const view = useRef<HTMLDivElement>(null)
  const top = useRef(0)
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoized
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => view.current,
    estimateSize: () => ROW_PX,
    getItemKey: (index) => {
      const row = rows[index]
      return row ? rowKey(row) : index
    },
    overscan: 24,
  })
  const total = virtual.getTotalSize()

  // Runs whenever the end has moved: by new lines, or by measuring those that came into view.
  useEffect(() => {
    if (follow && view.current) view.current.scrollTop = view.current.scrollHeight
  }, [follow, total, rows])

  const onScroll = () => {
    const element = view.current
    if (!element) return
    const up = element.scrollTop < top.current - 2
    top.current = element.scrollTop
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < AT_END_PX
    if (atEnd && !follow) onFollow(true)
    else if (up && !atEnd && follow) onFollow(false)
  }

  return (
    <div
      ref={view}
      role="log"
      aria-label={label}
      aria-live="off"
      tabIndex={0}
      onScroll={onScroll}
      className="h-[28rem] max-h-[70vh] overflow-auto py-3 font-mono text-[0.8125rem] leading-relaxed -outline-offset-2"
    >
      {rows.length === 0 ? (
        <div className="grid h-full place-content-center justify-items-center gap-2 px-4 text-center font-sans text-sm text-on-code/70">
          <ScrollText aria-hidden className="size-6" />
          {empty}
        </div>
      ) : (
        <div className="relative min-w-full" style={{ height: total }}>
          {virtual.getVirtualItems().map(({ key, index, start }) => {
            const row = rows[index]
            if (!row) return null
            return (
              <div
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                className={cn('absolute top-0 left-0 flex min-w-full gap-3 px-4', wrap && 'w-full')}
                style={{ transform: `translateY(${start}px)` }}
              >
                {isGap(row) ? (
                  <span className="my-1 w-full border-y border-dashed border-white/25 py-0.5 text-on-code/70">
                    {row.gap === null
                      ? 'Some lines are'
                      : `${plural(row.gap, 'line')} ${row.gap === 1 ? 'is' : 'are'}`}{' '}
                    left out here
                  </span>
                ) : (
                  <LogLineText
                    line={row}
                    wrap={wrap}
                    instance={row.instanceId === null ? undefined : names.get(row.instanceId)}
                  />
                )}
              </div>
            )
          })}
        </div>
      )}
    </div>
  )
}
