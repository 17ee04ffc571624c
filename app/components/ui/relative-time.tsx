'use client'

import { useNow } from '#app/components/ui/use-now.ts'

const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' })
const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** "5 minutes ago", with clocks that differ a little never saying "in 1 second". */
function relative(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1000)
  if (Math.abs(seconds) < 5) return 'just now'
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[5]
  return format.format(Math.trunc(seconds / size), unit)
}

export function RelativeTime({ at, className }: { at: string; className?: string }) {
  const now = useNow(10_000)
  const date = new Date(at)
  return (
    <time
      dateTime={at}
      title={date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })}
      className={className}
      suppressHydrationWarning
    >
      {relative(date.getTime(), now)}
    </time>
  )
}
