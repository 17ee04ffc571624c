import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { cn } from '#app/components/ui/cn.ts'

export type Tone = 'ok' | 'info' | 'warn' | 'bad' | 'neutral'

const tones: Record<Tone, string> = {
  ok: 'bg-ok-soft text-ok',
  info: 'bg-info-soft text-info',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  neutral: 'bg-sunken text-muted',
}

interface BadgeProps {
  tone: Tone
  icon?: LucideIcon
  /** The icon turns while something goes on. */
  spin?: boolean
  className?: string
  children: ReactNode
}

/** A state: always an icon and a word beside its colour. */
export function Badge({ tone, icon: Icon, spin, className, children }: BadgeProps) {
  return (
    <span
      className={cn(
        'inline-flex h-6 shrink-0 items-center gap-1.5 rounded-full px-2.5 text-xs font-medium whitespace-nowrap',
        tones[tone],
        className,
      )}
    >
      {Icon ? <Icon aria-hidden className={cn('size-3.5', spin && 'animate-spin')} /> : null}
      {children}
    </span>
  )
}
