import type { LucideIcon } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { cn } from '#app/components/ui/cn.ts'

interface ChoiceCardProps extends Omit<ComponentProps<'input'>, 'title' | 'type'> {
  icon?: LucideIcon
  title: ReactNode
  hint?: ReactNode
  aside?: ReactNode
}

/** One of several to choose from: a radio button that is a whole card. Arrow keys move between those of one name. */
export function ChoiceCard({ icon: Icon, title, hint, aside, className, ...input }: ChoiceCardProps) {
  return (
    <label
      className={cn(
        'relative flex cursor-pointer items-start gap-3 rounded-xl border border-line bg-surface p-3.5 shadow-card transition-colors hover:border-line-strong has-checked:border-primary has-checked:bg-primary-soft/50 has-disabled:cursor-not-allowed has-disabled:bg-sunken/60 has-disabled:shadow-none has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-ring',
        className,
      )}
    >
      <input
        {...input}
        type="radio"
        className="mt-1 size-4 shrink-0 accent-primary focus-visible:outline-none"
      />
      <span className="grid min-w-0 flex-1 gap-0.5">
        <span className="flex items-center gap-2 font-medium">
          {Icon ? <Icon aria-hidden className="size-4 shrink-0 text-muted" /> : null}
          {title}
        </span>
        {hint ? <span className="text-[0.8125rem] leading-snug text-muted">{hint}</span> : null}
        {aside}
      </span>
    </label>
  )
}
