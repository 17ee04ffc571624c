import type { ComponentProps, ReactNode } from 'react'
import { cn } from '#app/components/ui/cn.ts'

export function Card({ className, ...props }: ComponentProps<'section'>) {
  return (
    <section {...props} className={cn('rounded-xl border border-line bg-surface shadow-card', className)} />
  )
}

export function CardHeader({
  title,
  hint,
  actions,
}: {
  title: ReactNode
  hint?: ReactNode
  actions?: ReactNode
}) {
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-3 last:border-b-0 sm:px-5">
      <div className="min-w-0 flex-1 max-sm:min-w-36">
        <h2 className="text-[0.9375rem] font-semibold">{title}</h2>
        {hint ? <p className="text-[0.8125rem] text-muted">{hint}</p> : null}
      </div>
      {actions}
    </header>
  )
}
