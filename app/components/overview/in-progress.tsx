'use client'

import Link from 'next/link'
import { DeploymentStateBadge, isEnded } from '#app/components/servers/server-state.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'

/** Deployments that are going on, each with the toolbox's own words for its step. */
export function InProgress() {
  const servers = trpc.servers.list.useQuery()
  const deploying = servers.data?.items.filter(
    (server) => server.deployment && !isEnded(server.deployment.state),
  )
  return (
    <Card aria-label="Deployments in progress">
      <CardHeader title="Deployments in progress" />
      {deploying ? (
        <ul className="divide-y divide-line">
          {deploying.map((server) => (
            <li
              key={server.id}
              className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 text-sm sm:px-5"
            >
              <Link href={`/admin/servers/${server.id}`} className="rounded font-medium hover:underline">
                {server.name}
              </Link>
              <span className="min-w-0 flex-1 text-muted">{server.deployment?.phase}</span>
              {server.deployment ? <DeploymentStateBadge state={server.deployment.state} /> : null}
            </li>
          ))}
        </ul>
      ) : (
        <div className="p-4">
          <Skeleton className="h-8" />
        </div>
      )}
    </Card>
  )
}
