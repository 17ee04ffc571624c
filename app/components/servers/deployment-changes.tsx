'use client'

import { ChangeList } from '#app/components/servers/change-list.tsx'
import { changesBetween } from '#app/components/servers/changes.ts'
import { revisionValues } from '#app/components/servers/deploy-values.ts'
import type { Deployment } from '#contracts/deployments.ts'
import type { RevisionView } from '#contracts/servers.ts'

interface DeploymentChangesProps {
  deployment: Deployment
  /** The one before it; undefined for the first. */
  before: Deployment | undefined
  revisions: readonly RevisionView[] | undefined
}

/** What a deployment changed of the configuration that was deployed before it. */
export function DeploymentChanges({ deployment, before, revisions }: DeploymentChangesProps) {
  // A failed one keeps what differs from the revision that was live, which says more.
  if (!revisions || deployment.changes) return null
  const find = (number: number) => revisions.find((revision) => revision.number === number)
  const [from, to] = [before && find(before.revisionNumber), find(deployment.revisionNumber)]
  const said = !before
    ? 'The first deployment: there is nothing before it to compare with.'
    : before.revisionNumber === deployment.revisionNumber
      ? `Revision ${deployment.revisionNumber} once more: nothing was changed.`
      : !from || !to
        ? 'One of the two revisions is not kept any more.'
        : null
  return (
    <section aria-label="What it changed" className="grid gap-2">
      <h3 className="text-sm font-semibold">
        What it changed{said === null && before ? ` since revision ${before.revisionNumber}` : ''}
      </h3>
      {from && to && said === null ? (
        <>
          <ChangeList changes={changesBetween(revisionValues(from), revisionValues(to))} />
          {from.env.some(({ secret }) => secret) || from.headerNames.length > 0 ? (
            <p className="text-[0.8125rem] text-muted">
              Secrets that were replaced are not told apart: they cannot be read.
            </p>
          ) : null}
        </>
      ) : (
        <p className="text-sm text-muted">{said}</p>
      )}
    </section>
  )
}
