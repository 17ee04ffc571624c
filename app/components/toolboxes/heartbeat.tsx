'use client'

import { HeartPulse } from 'lucide-react'
import { cn } from '#app/components/ui/cn.ts'
import { formatWhole } from '#app/components/ui/format.ts'
import { useNow } from '#app/components/ui/use-now.ts'
import { HEARTBEAT_SECONDS } from '#contracts/dtma.ts'

/** Three missed heartbeats are no accident any more. */
const LATE_MS = 3 * HEARTBEAT_SECONDS * 1000

/** Age of the last heartbeat, counting. */
export function Heartbeat({ at }: { at: string | null }) {
  const now = useNow(1_000)
  if (at === null) return <span className="text-muted">No heartbeat yet</span>
  const age = Math.max(0, now - Date.parse(at))
  const late = age > LATE_MS
  return (
    <span
      title={new Date(at).toLocaleString()}
      className={cn('inline-flex items-center gap-1.5 tabular-nums', late ? 'text-bad' : 'text-muted')}
      suppressHydrationWarning
    >
      <HeartPulse aria-hidden className="size-3.5" />
      Heartbeat {age < 1000 ? 'just now' : `${formatWhole(age)} ago`}
      {late ? ', overdue' : ''}
    </span>
  )
}
