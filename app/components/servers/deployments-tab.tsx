'use client'

import { ArrowRight, ChevronRight, History } from 'lucide-react'
import Link from 'next/link'
import { DeploymentChanges } from '#app/components/servers/deployment-changes.tsx'
import { DeploymentFailure } from '#app/components/servers/deployment-failure.tsx'
import { DeploymentProgress } from '#app/components/servers/deployment-progress.tsx'
import { RollBack } from '#app/components/servers/roll-back.tsx'
import { DeploymentStateBadge, isEnded } from '#app/components/servers/server-state.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { formatDuration } from '#app/components/ui/format.ts'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure } from '#app/trpc/failure.ts'
import type { Deployment } from '#contracts/deployments.ts'
import type { RevisionView, ServerDetail } from '#contracts/servers.ts'

interface EntryProps {
  server: ServerDetail
  deployment: Deployment
  before: Deployment | undefined
  revisions: readonly RevisionView[] | undefined
  serving: boolean
}

function Entry({ server, deployment, before, revisions, serving }: EntryProps) {
  const deploying = server.deployments.some(({ state }) => !isEnded(state))
  const kept = revisions?.some((revision) => revision.number === deployment.revisionNumber) ?? false
  const current = server.instance?.revisionNumber ?? server.revision?.number
  const canReturn = kept && deployment.state === 'live' && deployment.revisionNumber !== current
  return (
    <details className="group">
      <summary className="flex list-none flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 -outline-offset-2 hover:bg-sunken/60">
        <ChevronRight
          aria-hidden
          className="size-4 shrink-0 text-muted transition-transform group-open:rotate-90"
        />
        <span className="font-medium">Revision {deployment.revisionNumber}</span>
        <DeploymentStateBadge state={deployment.state} />
        {serving ? <Badge tone="info">Serving</Badge> : null}
        {deployment.failure ? (
          <span className="text-[0.8125rem] text-bad">{describeFailure(deployment.failure).text}</span>
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
        <div className="flex flex-wrap items-center gap-2">
          {canReturn && server.desired !== 'deleted' ? (
            <RollBack server={server} number={deployment.revisionNumber} disabled={deploying} />
          ) : null}
          <Link
            href={`/admin/servers/${server.id}/deployments/${deployment.id}`}
            className="inline-flex items-center gap-1.5 rounded text-sm text-primary underline underline-offset-3"
          >
            Open this deployment
            <ArrowRight aria-hidden className="size-3.5" />
          </Link>
        </div>
        <DeploymentFailure deployment={deployment} />
        <DeploymentChanges deployment={deployment} before={before} revisions={revisions} />
        <DeploymentProgress deployment={deployment} />
      </div>
    </details>
  )
}

/** Every attempt, newest first: who asked for it, what it changed, how long each part took, and why it failed. */
export function DeploymentsTab({ server }: { server: ServerDetail }) {
  const { deployments } = server
  const revisions = trpc.servers.revisions.useQuery({ id: server.id })
  const serving = deployments.find(
    ({ state, revisionNumber }) => state === 'live' && revisionNumber === server.instance?.revisionNumber,
  )
  if (deployments.length === 0) return <EmptyState icon={History} title="No deployments yet" />
  return (
    <ul
      aria-label="Deployments"
      className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-card"
    >
      {deployments.map((deployment, index) => (
        <li key={deployment.id}>
          <Entry
            server={server}
            deployment={deployment}
            before={deployments[index + 1]}
            revisions={revisions.data}
            serving={deployment === serving && server.state === 'running'}
          />
        </li>
      ))}
    </ul>
  )
}
