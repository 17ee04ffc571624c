'use client'

import { ChevronRight, History } from 'lucide-react'
import { DeploymentFailure } from '#app/components/servers/deployment-failure.tsx'
import { DeploymentProgress } from '#app/components/servers/deployment-progress.tsx'
import { RollBack } from '#app/components/servers/roll-back.tsx'
import { DeploymentStateBadge, isEnded } from '#app/components/servers/server-state.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { formatDuration } from '#app/components/ui/format.ts'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import type { ServerDetail } from '#contracts/servers.ts'

/** Every attempt, newest first. */
export function DeploymentsTab({ server }: { server: ServerDetail }) {
  const { deployments } = server
  const deploying = deployments.some(({ state }) => !isEnded(state))
  const serving = deployments.find(
    ({ state, revisionNumber }) => state === 'live' && revisionNumber === server.instance?.revisionNumber,
  )
  if (deployments.length === 0) return <EmptyState icon={History} title="No deployments yet" />
  return (
    <ul
      aria-label="Deployments"
      className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-card"
    >
      {deployments.map((deployment) => (
        <li key={deployment.id}>
          <details className="group">
            <summary className="flex list-none flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 -outline-offset-2 hover:bg-sunken/60">
              <ChevronRight
                aria-hidden
                className="size-4 shrink-0 text-muted transition-transform group-open:rotate-90"
              />
              <span className="font-medium">Revision {deployment.revisionNumber}</span>
              <DeploymentStateBadge state={deployment.state} />
              {deployment === serving && server.state === 'running' ? (
                <Badge tone="info">Serving</Badge>
              ) : null}
              <span className="text-[0.8125rem] text-muted sm:ml-auto">
                {deployment.requestedBy ? `${deployment.requestedBy}, ` : ''}
                <RelativeTime at={deployment.createdAt} />
                {deployment.finishedAt
                  ? `, ${formatDuration(Date.parse(deployment.finishedAt) - Date.parse(deployment.createdAt))}`
                  : ''}
              </span>
            </summary>
            <div className="grid gap-5 px-4 pt-2 pb-5 sm:pl-11">
              {deployment.state === 'live' && deployment.revisionNumber !== server.revision?.number ? (
                <RollBack server={server} number={deployment.revisionNumber} disabled={deploying} />
              ) : null}
              <DeploymentFailure deployment={deployment} />
              <DeploymentProgress deployment={deployment} />
            </div>
          </details>
        </li>
      ))}
    </ul>
  )
}
