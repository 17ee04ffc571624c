import { Check } from 'lucide-react'
import { indexOf, STEPS, type StepId } from '#app/components/servers/wizard/steps.ts'
import { cn } from '#app/components/ui/cn.ts'

interface StepListProps {
  current: StepId
  /** Steps after it have to wait for it. */
  open: StepId
  onGo: (step: StepId) => void
}

/** Where one is in the wizard; every step that can be gone to is a button. */
export function StepList({ current, open, onGo }: StepListProps) {
  const at = indexOf(current)
  return (
    <nav aria-label="Steps" className="lg:sticky lg:top-9 lg:self-start">
      <ol className="flex gap-1 lg:grid">
        {STEPS.map(({ id, label }, index) => {
          const here = index === at
          const done = index < at
          return (
            <li key={id} className="min-w-0 flex-1">
              <button
                type="button"
                aria-current={here ? 'step' : undefined}
                disabled={index > indexOf(open)}
                onClick={() => onGo(id)}
                className={cn(
                  'flex w-full items-center gap-2.5 rounded-lg py-2 text-left text-sm transition-colors disabled:cursor-not-allowed max-lg:flex-col max-lg:gap-1.5 max-lg:text-xs max-sm:text-[0.6875rem] max-sm:tracking-tight lg:px-2.5',
                  here ? 'bg-primary-soft font-semibold text-ink' : 'text-muted enabled:hover:bg-sunken',
                )}
              >
                <span
                  className={cn(
                    'grid size-6 shrink-0 place-items-center rounded-full border text-xs tabular-nums',
                    here
                      ? 'border-primary bg-primary text-on-primary'
                      : done
                        ? 'border-ok/40 bg-ok-soft text-ok'
                        : 'border-line-strong/60',
                  )}
                >
                  {done ? <Check aria-hidden className="size-3.5" /> : index + 1}
                </span>
                <span className="max-w-full truncate">{label}</span>
                {done ? <span className="sr-only">filled in</span> : null}
              </button>
            </li>
          )
        })}
      </ol>
    </nav>
  )
}
