import { CircleCheck, LoaderCircle } from 'lucide-react'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { describeFailure } from '#app/trpc/failure.ts'
import type { Toolbox } from '#contracts/toolboxes.ts'

/** Where the installation of an agent is: what it said last, whether it was dialled back, or what went wrong. */
export function EnrollmentProgress({ toolbox }: { toolbox: Toolbox }) {
  if (toolbox.state === 'active' || toolbox.state === 'draining')
    return (
      <p role="status" className="flex items-center gap-2.5 rounded-xl bg-ok-soft px-4 py-3 text-sm text-ok">
        <CircleCheck aria-hidden className="size-5 shrink-0" />
        {toolbox.name} is enrolled and was reached at {toolbox.url}.
      </p>
    )
  return (
    <div className="grid gap-3">
      {toolbox.failure ? <FailureNotice failure={describeFailure(toolbox.failure)} /> : null}
      <p
        role="status"
        className="flex items-start gap-2.5 rounded-xl bg-info-soft px-4 py-3 text-sm text-info"
      >
        <LoaderCircle aria-hidden className="mt-0.5 size-4 shrink-0 animate-spin" />
        <span>{words(toolbox)}</span>
      </p>
    </div>
  )
}

function words(toolbox: Toolbox) {
  if (toolbox.url) return `The agent has enrolled. Dialling it back at ${toolbox.url}.`
  if (!toolbox.bootstrap) return 'Waiting to hear from the machine.'
  return (
    <>
      The machine said <RelativeTime at={toolbox.bootstrap.at} />: {toolbox.bootstrap.message}
    </>
  )
}
