import { Unplug } from 'lucide-react'
import { useNow } from '#app/components/ui/use-now.ts'
import type { Toolbox } from '#contracts/toolboxes.ts'

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

/** That calls to the toolbox are held back, why, until when, and what to do. */
export function BreakerNotice({ breaker }: { breaker: NonNullable<Toolbox['breaker']> }) {
  const now = useNow(1_000)
  const until = new Date(breaker.openUntil)
  return (
    <div
      role="alert"
      className="flex gap-3 rounded-xl border border-warn/35 bg-warn-soft px-4 py-3.5 text-sm"
    >
      <Unplug aria-hidden className="mt-0.5 size-5 shrink-0 text-warn" />
      <div className="min-w-0">
        <p className="font-semibold text-warn">
          {until.getTime() > now
            ? `The circuit breaker is open until ${clock.format(until)}.`
            : 'The circuit breaker is open; the toolbox is being tried again.'}
        </p>
        <p className="break-words">
          The last calls got no answer: {breaker.cause}. What waits for this toolbox goes on by itself once it
          answers. Check that its agent runs and that its address and port can be reached.
        </p>
      </div>
    </div>
  )
}
