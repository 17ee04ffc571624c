'use client'

import { cn } from '#app/components/ui/cn.ts'
import { type StreamState, useStreamState } from '#app/trpc/status-stream.tsx'

const states: Record<StreamState, { label: string; hint: string; dot: string }> = {
  live: {
    label: 'Live',
    hint: 'What you see follows every change.',
    dot: 'bg-[oklch(0.78_0.15_158)]',
  },
  connecting: { label: 'Connecting', hint: 'Opening the status stream.', dot: 'bg-brass animate-breathe' },
  reconnecting: {
    label: 'Reconnecting',
    hint: 'The status stream was lost. What you see may be a little old.',
    dot: 'bg-brass animate-breathe',
  },
  paused: { label: 'Paused', hint: 'Updates wait while the tab is hidden.', dot: 'bg-on-hull-muted' },
}

/** Whether the page follows changes as they happen. */
export function LiveIndicator({ compact }: { compact?: boolean }) {
  const state = useStreamState()
  const { label, hint, dot } = states[state]
  return (
    <p
      role="status"
      data-stream={state}
      title={hint}
      className={cn('flex items-center gap-2 text-xs text-on-hull-muted', compact ? 'px-1' : 'px-3')}
    >
      <span aria-hidden className={cn('size-2 rounded-full', dot)} />
      <span className={cn(compact && state === 'live' && 'sr-only')}>{label}</span>
    </p>
  )
}
