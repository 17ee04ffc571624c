'use client'

import { ArrowRight, Bot, Pencil, RotateCw } from 'lucide-react'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { DeploymentFailure } from '#app/components/servers/deployment-failure.tsx'
import { DeploymentLog } from '#app/components/servers/deployment-log.tsx'
import { DeploymentProgress } from '#app/components/servers/deployment-progress.tsx'
import { DeploymentStateBadge, isEnded } from '#app/components/servers/server-state.tsx'
import { useCancel } from '#app/components/servers/use-cancel.ts'
import { useRedeploy } from '#app/components/servers/use-redeploy.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { formatDuration, plural } from '#app/components/ui/format.ts'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { Deployment } from '#contracts/deployments.ts'
import type { ServerDetail } from '#contracts/servers.ts'

/** A deployment gone quiet is asked about itself: events are hints and may be lost. */
const WATCH_MS = 5_000

interface Shown {
  server: ServerDetail
  deployment: Deployment
}

/** What one does next once it is live. */
function Live({ server, deployment }: Shown) {
  const ms = Date.parse(deployment.finishedAt ?? deployment.createdAt) - Date.parse(deployment.createdAt)
  const isServing = server.instance?.revisionNumber === deployment.revisionNumber
  return (
    <div role="status" className="rounded-xl border border-ok/40 bg-ok-soft px-4 py-3.5">
      <p className="font-semibold text-ok">It went live after {formatDuration(ms)}.</p>
      {isServing && server.state === 'running' ? (
        <p className="text-sm">
          It answered a real handshake and offers {plural(server.tools.length, 'tool')}.
        </p>
      ) : (
        <p className="text-sm">Another revision serves by now, or it was stopped since.</p>
      )}
      <div className="mt-3 flex flex-wrap gap-2">
        <Button asChild variant="primary">
          <Link href={`/admin/servers/${server.id}`}>
            Open {server.name}
            <ArrowRight aria-hidden />
          </Link>
        </Button>
        <Button asChild>
          <Link href="/agents">
            <Bot aria-hidden />
            Connect an agent
          </Link>
        </Button>
      </div>
    </div>
  )
}

function Failed({ server, deployment }: Shown) {
  const router = useRouter()
  const redeploy = useRedeploy(server.id)
  const serving = server.state === 'running' ? server.instance?.revisionNumber : undefined
  const isLatest = server.deployments[0]?.id === deployment.id
  return (
    <div className="grid gap-4">
      <DeploymentFailure deployment={deployment} />
      {serving ? <p className="text-sm">Revision {serving} goes on serving.</p> : null}
      {server.desired !== 'deleted' && isLatest ? (
        <div className="flex flex-wrap gap-2">
          <Button
            variant="primary"
            busy={redeploy.isPending}
            onClick={() =>
              redeploy.mutate(
                { id: server.id, number: deployment.revisionNumber },
                {
                  onSuccess: ({ deploymentId }) =>
                    router.push(`/admin/servers/${server.id}/deployments/${deploymentId}`),
                },
              )
            }
          >
            {redeploy.isPending ? null : <RotateCw aria-hidden />}
            Try again
          </Button>
          <Button asChild>
            <Link href={`/admin/servers/${server.id}/edit`}>
              <Pencil aria-hidden />
              Edit configuration
            </Link>
          </Button>
        </div>
      ) : null}
    </div>
  )
}

function Detail({ server, deployment }: Shown) {
  const cancel = useCancel(server.id)
  const ended = isEnded(deployment.state)
  return (
    <>
      <PageHeader
        parent={{ href: `/admin/servers/${server.id}`, label: server.name }}
        title={`${ended ? 'Deployment of' : 'Deploying'} ${server.name}`}
        badges={<DeploymentStateBadge state={deployment.state} />}
        lead={
          <span className="text-sm">
            Revision {deployment.revisionNumber}
            {server.toolbox ? ` on ${server.toolbox.name}` : ''}, asked for
            {deployment.requestedBy ? ` by ${deployment.requestedBy}` : ''}{' '}
            <RelativeTime at={deployment.createdAt} />
          </span>
        }
        actions={
          ended ? null : (
            <Button busy={cancel.isPending} onClick={() => cancel.mutate({ id: deployment.id })}>
              Cancel deployment
            </Button>
          )
        }
      />
      <div className="grid gap-5">
        {deployment.state === 'live' ? <Live server={server} deployment={deployment} /> : null}
        {ended && deployment.state !== 'live' ? <Failed server={server} deployment={deployment} /> : null}
        <div className="grid gap-5 lg:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
          <Card aria-label="Progress">
            <CardHeader title="Progress" />
            <div className="px-4 py-4 sm:px-5">
              <DeploymentProgress deployment={deployment} />
            </div>
          </Card>
          {ended && deployment.state !== 'live' ? null : (
            <DeploymentLog server={server} deployment={deployment} />
          )}
        </div>
      </div>
    </>
  )
}

/** One deployment: its phases and log while it goes on, then what came of it and what to do next. */
export function DeploymentScreen({ id, deploymentId }: { id: string; deploymentId: string }) {
  const find = (data: ServerDetail | undefined) => data?.deployments.find((one) => one.id === deploymentId)
  const server = trpc.servers.get.useQuery(
    { id },
    {
      refetchInterval: ({ state }) => {
        const deployment = find(state.data)
        return deployment && !isEnded(deployment.state) ? WATCH_MS : false
      },
    },
  )
  const deployment = find(server.data)
  usePageTitle(server.data && `Deployment of ${server.data.name}`)
  const code = server.error ? readFailure(server.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST' || (server.data && !deployment)) return <NotFound />
  return (
    <QueryView query={server} loading={<PageSkeleton />}>
      {(data) => (deployment ? <Detail server={data} deployment={deployment} /> : null)}
    </QueryView>
  )
}
