'use client'

import { Plus, ToyBrick } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { AddToolboxDialog } from '#app/components/toolboxes/add-toolbox-dialog.tsx'
import { DropletLine } from '#app/components/toolboxes/droplet-line.tsx'
import { Heartbeat } from '#app/components/toolboxes/heartbeat.tsx'
import { HostMeters } from '#app/components/toolboxes/host-metrics.tsx'
import { ReaperNotice } from '#app/components/toolboxes/reaper-notice.tsx'
import { IsolationBadge, ToolboxStateBadge } from '#app/components/toolboxes/toolbox-state.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card } from '#app/components/ui/card.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { plural } from '#app/components/ui/format.ts'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure } from '#app/trpc/failure.ts'
import { HEARTBEAT_SECONDS } from '#contracts/dtma.ts'
import type { Toolbox } from '#contracts/toolboxes.ts'

function ToolboxCard({ toolbox }: { toolbox: Toolbox }) {
  return (
    <Card className="relative grid gap-4 p-4 transition-colors has-[a:hover]:border-line-strong sm:p-5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="min-w-0 font-semibold">
          <Link
            href={`/admin/toolboxes/${toolbox.id}`}
            className="rounded after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-ring"
          >
            {toolbox.name}
          </Link>
        </h2>
        <ToolboxStateBadge state={toolbox.state} />
        <IsolationBadge isolation={toolbox.isolation} />
        <span className="text-[0.8125rem] sm:ml-auto">
          <Heartbeat at={toolbox.lastHeartbeatAt} />
        </span>
      </div>
      {toolbox.failure ? <p className="text-sm text-bad">{describeFailure(toolbox.failure).text}</p> : null}
      {toolbox.droplet ? <DropletLine droplet={toolbox.droplet} /> : null}
      {toolbox.host ? <HostMeters host={toolbox.host} committedMb={toolbox.memoryCommittedMb} /> : null}
      <p className="text-[0.8125rem] text-muted">
        {plural(toolbox.serverCount, 'server')}
        {toolbox.droplet ? `, droplet ${toolbox.droplet.size} in ${toolbox.droplet.region}` : ''}
        {toolbox.driver ? `, ${toolbox.driver} driver` : ''}
        {toolbox.agentVersion ? `, agent ${toolbox.agentVersion}` : ''}
      </p>
    </Card>
  )
}

/** The machines that servers run on. Measurements have no event of their own, so they are read at the heartbeat's pace. */
export function ToolboxListScreen() {
  const [adding, setAdding] = useState(false)
  const toolboxes = trpc.toolboxes.list.useQuery(undefined, {
    refetchInterval: HEARTBEAT_SECONDS * 1000,
    staleTime: 0,
  })
  return (
    <>
      <PageHeader
        title="Toolboxes"
        lead="Machines that your MCP servers run on."
        actions={
          <Button variant="primary" onClick={() => setAdding(true)}>
            <Plus aria-hidden />
            Add toolbox
          </Button>
        }
      />
      {adding ? <AddToolboxDialog onClose={() => setAdding(false)} /> : null}
      <ReaperNotice />
      <QueryView query={toolboxes}>
        {(data) =>
          data.items.length === 0 ? (
            <EmptyState icon={ToyBrick} title="No toolbox yet">
              <p>
                The local toolbox enrols by itself when Toolberth starts. If it does not, look into its log.
              </p>
            </EmptyState>
          ) : (
            <div className="grid gap-4">
              {data.items.map((toolbox) => (
                <ToolboxCard key={toolbox.id} toolbox={toolbox} />
              ))}
            </div>
          )
        }
      </QueryView>
    </>
  )
}
