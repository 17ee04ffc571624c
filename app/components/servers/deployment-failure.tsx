'use client'

import { CheckCheck, Hourglass } from 'lucide-react'
import { FailureChanges } from '#app/components/servers/failure-changes.tsx'
import { LogLines } from '#app/components/servers/log-lines.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { describeFailure } from '#app/trpc/failure.ts'
import type { Deployment } from '#contracts/deployments.ts'

/** Why a deployment failed, what to do next, the log it left, and whether anything of it is left on the toolbox. */
export function DeploymentFailure({ deployment }: { deployment: Deployment }) {
  if (!deployment.failure) return null
  return (
    <div className="grid gap-3">
      <FailureNotice failure={describeFailure(deployment.failure)} />
      {deployment.cleanedUp === null ? null : (
        <p className="flex items-center gap-2 text-[0.8125rem] text-muted">
          {deployment.cleanedUp ? (
            <>
              <CheckCheck aria-hidden className="size-4 text-ok" />
              Everything of this attempt was removed from the toolbox.
            </>
          ) : (
            <>
              <Hourglass aria-hidden className="size-4 text-warn" />
              What this attempt left on the toolbox is still being removed.
            </>
          )}
        </p>
      )}
      <FailureChanges deployment={deployment} />
      {deployment.logTail.length > 0 ? (
        <section aria-label="Log of the failed attempt" className="overflow-hidden rounded-lg bg-code">
          <h3 className="border-b border-white/12 px-4 py-2 text-[0.8125rem] font-medium text-on-code">
            Its last log lines
          </h3>
          <div tabIndex={0} className="max-h-80 overflow-auto py-3">
            <LogLines lines={deployment.logTail} />
          </div>
        </section>
      ) : null}
    </div>
  )
}
