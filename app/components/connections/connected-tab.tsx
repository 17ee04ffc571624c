'use client'

import { Cable, ChevronRight, TriangleAlert, Unplug } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { toast } from 'sonner'
import { ConnectionStateBadge } from '#app/components/connections/connection-state.tsx'
import { ServerStateBadge } from '#app/components/servers/server-state.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card } from '#app/components/ui/card.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { formatLatency, plural } from '#app/components/ui/format.ts'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { ToolList } from '#app/components/ui/tool-list.tsx'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure } from '#app/trpc/failure.ts'
import type { Connection } from '#contracts/agents.ts'

/** Says that there is something to look at; what, stands on the page of the connection. */
function ToolChangesBadge({ changes }: { changes: Connection['toolChanges'] }) {
  const count = changes.changed + changes.new + changes.removed
  if (count === 0) return null
  return (
    <Badge tone="warn" icon={TriangleAlert}>
      {changes.held > 0 ? `${plural(changes.held, 'tool')} held` : `${plural(count, 'tool')} changed`}
    </Badge>
  )
}

function ConnectionCard({ connection, onDisconnect }: { connection: Connection; onDisconnect: () => void }) {
  const { server } = connection
  return (
    <Card aria-label={`Connection to ${server.name}`}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-4 sm:px-5">
        <div className="min-w-0 flex-1 basis-56">
          <h3 className="font-semibold break-words sm:truncate">
            <Link
              href={`/agents/${connection.agentId}/connections/${connection.id}`}
              className="rounded hover:underline"
            >
              {server.name}
            </Link>
          </h3>
          <p className="text-[0.8125rem] text-muted">
            {connection.prefixTools ? (
              <>
                prefix <code className="font-mono">{connection.slug}__</code>
              </>
            ) : (
              'no prefix'
            )}
            {connection.latencyMs === null ? '' : `, answered in ${formatLatency(connection.latencyMs)}`}
            {connection.lastTestedAt ? (
              <>
                , tested <RelativeTime at={connection.lastTestedAt} />
              </>
            ) : null}
          </p>
        </div>
        {server.state === 'running' ? null : <ServerStateBadge state={server.state} />}
        <ToolChangesBadge changes={connection.toolChanges} />
        <ConnectionStateBadge state={connection.state} />
        <Button
          size="sm"
          variant="danger-quiet"
          aria-label={`Disconnect ${server.name}`}
          onClick={onDisconnect}
        >
          <Unplug aria-hidden />
          Disconnect
        </Button>
      </div>
      {connection.failure ? (
        <FailureNotice failure={describeFailure(connection.failure)} className="mx-4 mb-4 sm:mx-5">
          {connection.failure.code === 'CREDENTIALS_MISSING' ? (
            <p className="mt-1.5 pl-8">
              {connection.failure.detail}{' '}
              <Link
                href={`/agents/${connection.agentId}/connections/${connection.id}`}
                className="rounded font-medium underline underline-offset-3"
              >
                Give it now
              </Link>
            </p>
          ) : null}
        </FailureNotice>
      ) : null}
      <details className="group border-t border-line">
        <summary className="flex list-none items-center gap-2 rounded-b-xl px-4 py-2.5 text-sm text-muted -outline-offset-2 hover:text-ink sm:px-5">
          <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
          {plural(connection.tools.length, 'tool')}
        </summary>
        <div className="px-4 pb-4 sm:px-5">
          <ToolList tools={connection.tools} empty="It offers no tools" />
        </div>
      </details>
    </Card>
  )
}

/** What the agent is connected to. */
export function ConnectedTab({ agentId, onDiscover }: { agentId: string; onDiscover: () => void }) {
  const [ending, setEnding] = useState<Connection | null>(null)
  const connections = trpc.connections.list.useQuery({ agentId })
  const utils = trpc.useUtils()
  const disconnect = trpc.connections.disconnect.useMutation({
    onSuccess: () => {
      toast.success(`${ending?.server.name ?? 'The server'} was disconnected`)
      setEnding(null)
      return Promise.all([
        utils.connections.list.invalidate({ agentId }),
        utils.connections.available.invalidate({ agentId }),
        utils.agents.invalidate(),
      ])
    },
  })
  return (
    <>
      <QueryView query={connections}>
        {(data) => {
          const shown = data.items.filter((connection) => connection.state !== 'disconnected')
          if (shown.length === 0)
            return (
              <EmptyState
                icon={Cable}
                title="Not connected to any server yet"
                action={
                  <Button variant="primary" onClick={onDiscover}>
                    Discover servers
                  </Button>
                }
              >
                <p>Connect it to a server, and its tools appear under the agent's URL.</p>
              </EmptyState>
            )
          return (
            <div className="grid gap-4">
              {shown.map((connection) => (
                <ConnectionCard
                  key={connection.id}
                  connection={connection}
                  onDisconnect={() => {
                    disconnect.reset()
                    setEnding(connection)
                  }}
                />
              ))}
            </div>
          )
        }}
      </QueryView>
      <ConfirmDialog
        open={ending !== null}
        onOpenChange={() => setEnding(null)}
        title={`Disconnect ${ending?.server.name ?? ''}?`}
        confirm="Disconnect"
        busy={disconnect.isPending}
        error={disconnect.error}
        onConfirm={() => ending && disconnect.mutate({ id: ending.id })}
      >
        {ending ? `Its ${plural(ending.tools.length, 'tool')}` : 'Its tools'} disappear from this agent at
        once. You can connect it again at any time.
      </ConfirmDialog>
    </>
  )
}
