import { Check } from 'lucide-react'
import { cn } from '#app/components/ui/cn.ts'

const STEPS = [
  { id: 'configure', label: 'Configure' },
  { id: 'test', label: 'Test' },
  { id: 'confirm', label: 'Confirm' },
  { id: 'done', label: 'Done' },
] as const

/** Where one is in the wizard. */
export function WizardSteps({ current }: { current: (typeof STEPS)[number]['id'] }) {
  const at = STEPS.findIndex((step) => step.id === current)
  return (
    <ol aria-label="Steps" className="mb-6 flex items-center gap-2 text-sm">
      {STEPS.map((step, index) => {
        const done = index < at || current === 'done'
        return (
          <li
            key={step.id}
            aria-current={index === at ? 'step' : undefined}
            className={cn(
              'flex items-center gap-2',
              index < STEPS.length - 1 && 'flex-1 after:h-px after:flex-1 after:bg-line',
              index === at ? 'font-medium text-ink' : 'text-muted',
            )}
          >
            <span
              className={cn(
                'grid size-6 shrink-0 place-items-center rounded-full border text-xs tabular-nums',
                done
                  ? 'border-ok/40 bg-ok-soft text-ok'
                  : index === at
                    ? 'border-primary bg-primary text-on-primary'
                    : 'border-line',
              )}
            >
              {done ? <Check aria-hidden className="size-3.5" /> : index + 1}
            </span>
            <span className={cn(index === at ? '' : 'max-sm:sr-only')}>{step.label}</span>
          </li>
        )
      })}
    </ol>
  )
}
