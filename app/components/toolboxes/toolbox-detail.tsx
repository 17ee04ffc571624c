'use client'

import { Server, ShieldAlert } from 'lucide-react'
import Link from 'next/link'
import { ServerStateBadge } from '#app/components/servers/server-state.tsx'
import { BreakerNotice } from '#app/components/toolboxes/breaker-notice.tsx'
import { DropletCard } from '#app/components/toolboxes/droplet-card.tsx'
import { EnrollmentProgress } from '#app/components/toolboxes/enrollment-progress.tsx'
import { Heartbeat } from '#app/components/toolboxes/heartbeat.tsx'
import { HostMeters } from '#app/components/toolboxes/host-metrics.tsx'
import { MetricsCard } from '#app/components/toolboxes/metrics-card.tsx'
import { MoveServer } from '#app/components/toolboxes/move-server.tsx'
import { ToolboxActions } from '#app/components/toolboxes/toolbox-actions.tsx'
import { IsolationBadge, ToolboxStateBadge } from '#app/components/toolboxes/toolbox-state.tsx'
import type { ToolboxServer, ToolboxWithServers } from '#app/components/toolboxes/types.ts'
import { UpgradeNotice } from '#app/components/toolboxes/upgrade-notice.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { Facts } from '#app/components/ui/facts.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { plural } from '#app/components/ui/format.ts'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure, readFailure } from '#app/trpc/failure.ts'
import { HEARTBEAT_SECONDS } from '#contracts/dtma.ts'
import { ServerState } from '#contracts/servers.ts'

const KINDS = { local: 'Local, started with this installation', host: 'Host', droplet: 'Droplet' } as const

function ServerRow({ server, toolbox }: { server: ToolboxServer; toolbox: ToolboxWithServers }) {
  const state = ServerState.safeParse(server.state)
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 text-sm sm:px-5">
      <Link href={`/admin/servers/${server.id}`} className="min-w-0 rounded font-medium hover:underline">
        {server.name}
      </Link>
      <span className="ml-auto text-[0.8125rem] text-muted">
        {server.movingTo ? (
          <>
            moving to{' '}
            <Link href={`/admin/toolboxes/${server.movingTo.id}`} className="rounded hover:underline">
              {server.movingTo.name}
            </Link>
          </>
        ) : (
          `up to ${server.memoryMb} MiB`
        )}
      </span>
      {state.success ? <ServerStateBadge state={state.data} /> : <Badge tone="neutral">{server.state}</Badge>}
      {server.movingTo || toolbox.state === 'deleting' ? null : (
        <MoveServer server={server} toolboxId={toolbox.id} />
      )}
    </li>
  )
}

function Detail({ toolbox }: { toolbox: ToolboxWithServers }) {
  return (
    <>
      <PageHeader
        parent={{ href: '/admin/toolboxes', label: 'Toolboxes' }}
        title={toolbox.name}
        badges={
          <>
            <ToolboxStateBadge state={toolbox.state} />
            <IsolationBadge isolation={toolbox.isolation} />
          </>
        }
        lead={
          <span className="text-sm">
            <Heartbeat at={toolbox.lastHeartbeatAt} />
          </span>
        }
        actions={<ToolboxActions toolbox={toolbox} />}
      />
      <div className="grid gap-5">
        {toolbox.state === 'enrolling' ? (
          <EnrollmentProgress toolbox={toolbox} />
        ) : toolbox.failure && !(toolbox.droplet && toolbox.state === 'failed') ? (
          <FailureNotice failure={describeFailure(toolbox.failure)} />
        ) : null}
        {toolbox.droplet ? <DropletCard toolbox={toolbox} droplet={toolbox.droplet} /> : null}
        <UpgradeNotice toolbox={toolbox} />
        {toolbox.draining && toolbox.state !== 'deleting' ? (
          <p className="rounded-xl bg-warn-soft px-4 py-3 text-sm text-warn">
            {toolbox.servers.length === 0
              ? 'It takes no new servers, and none is left on it. It can be deleted without loss.'
              : `It takes no new servers. ${plural(toolbox.servers.length, 'server')} still on it: move each one, or delete it.`}
          </p>
        ) : null}
        {toolbox.breaker ? <BreakerNotice breaker={toolbox.breaker} /> : null}
        {toolbox.isolation === 'none' ? (
          <div
            role="alert"
            className="flex gap-3 rounded-xl border border-bad/35 bg-bad-soft px-4 py-3.5 text-sm"
          >
            <ShieldAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-bad" />
            <div>
              <p className="font-semibold text-bad">Servers on this toolbox are not isolated.</p>
              <p>
                They can read each other's files and everything its agent can. Run the agent as root, or
                install bubblewrap, and start it without ALLOW_UNISOLATED.
              </p>
            </div>
          </div>
        ) : null}
        {toolbox.host ? (
          <Card>
            <CardHeader title="Machine" />
            <div className="px-4 py-4 sm:px-5">
              <HostMeters host={toolbox.host} committedMb={toolbox.memoryCommittedMb} />
            </div>
          </Card>
        ) : null}
        {toolbox.host ? <MetricsCard id={toolbox.id} /> : null}
        <Card aria-label="Servers on this toolbox">
          <CardHeader title="Servers" hint={`${toolbox.servers.length} on this toolbox`} />
          {toolbox.servers.length === 0 ? (
            <p className="flex items-center gap-2.5 px-4 py-5 text-sm text-muted sm:px-5">
              <Server aria-hidden className="size-4" />
              No server runs here.
            </p>
          ) : (
            <ul className="divide-y divide-line">
              {toolbox.servers.map((server) => (
                <ServerRow key={server.id} server={server} toolbox={toolbox} />
              ))}
            </ul>
          )}
        </Card>
        <Card>
          <CardHeader title="About" />
          <Facts
            items={[
              ['Kind', KINDS[toolbox.kind]],
              ['Address', toolbox.url],
              ['Driver', toolbox.driver],
              ['Agent', toolbox.agentVersion],
              ['Protocol', toolbox.protocolVersion === null ? null : String(toolbox.protocolVersion)],
              ['Added', <RelativeTime key="added" at={toolbox.createdAt} />],
            ]}
          />
        </Card>
      </div>
    </>
  )
}

export function ToolboxDetailScreen({ id }: { id: string }) {
  const toolbox = trpc.toolboxes.get.useQuery(
    { id },
    { refetchInterval: HEARTBEAT_SECONDS * 1000, staleTime: 0 },
  )
  usePageTitle(toolbox.data?.name)
  const code = toolbox.error ? readFailure(toolbox.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST') return <NotFound />
  return (
    <QueryView query={toolbox} loading={<PageSkeleton />}>
      {(data) => <Detail toolbox={data} />}
    </QueryView>
  )
}
