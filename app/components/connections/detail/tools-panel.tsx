'use client'

import { ShieldCheck, TriangleAlert, Wrench } from 'lucide-react'
import { toast } from 'sonner'
import { ToolRow } from '#app/components/connections/detail/tool-row.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { plural } from '#app/components/ui/format.ts'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ConnectionDetail } from '#contracts/agents.ts'

/** What differs from what was approved, in words; null when nothing does. */
function changesInWords({ changed, new: added, removed }: ConnectionDetail['toolChanges']): string | null {
  const parts = [
    changed > 0 ? `${plural(changed, 'tool')} changed` : '',
    added > 0 ? `${plural(added, 'tool')} new` : '',
    removed > 0 ? `${plural(removed, 'tool')} gone` : '',
  ].filter(Boolean)
  return parts.length === 0 ? null : parts.join(', ')
}

/** The tools of a connection: which of them the agent may call, by which name, and whether they are as they were approved. */
export function ToolsPanel({ connection }: { connection: ConnectionDetail }) {
  const utils = trpc.useUtils()
  const approve = trpc.connections.approve.useMutation({
    onSuccess: (detail) => {
      utils.connections.get.setData({ id: detail.id }, detail)
      toast.success('The tools were approved')
      return Promise.all([utils.connections.list.invalidate(), utils.agents.invalidate()])
    },
  })
  const { tools, toolChanges, settings, id } = connection
  const ended = connection.state === 'disconnected'
  const words = changesInWords(toolChanges)
  // What needs a look comes first.
  const sorted = tools.toSorted((a, b) => Number(a.pin === 'approved') - Number(b.pin === 'approved'))
  if (tools.length === 0) return <EmptyState icon={Wrench} title="It offers no tools" />
  return (
    <div className="grid gap-4">
      {words === null || ended ? null : (
        <section
          aria-label="Changed tools"
          className="flex flex-wrap items-start gap-3 rounded-xl border border-warn/35 bg-warn-soft px-4 py-3.5 text-sm"
        >
          <TriangleAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-warn" />
          <div className="min-w-0 flex-1 basis-48">
            <p className="font-semibold text-warn">{words} since you approved them.</p>
            <p className="mt-0.5">
              {settings.pinPolicy === 'hold' && toolChanges.held > 0
                ? `Your agent can neither see nor call ${toolChanges.held === 1 ? 'it' : 'them'} until you have looked and approved.`
                : 'Your agent can call them: this connection only warns.'}
            </p>
          </div>
          <Button size="sm" busy={approve.isPending} onClick={() => approve.mutate({ id })}>
            <ShieldCheck aria-hidden />
            Approve all
          </Button>
        </section>
      )}
      {approve.error ? <FailureNotice failure={readFailure(approve.error)} /> : null}
      <ul
        aria-label="Tools"
        className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface"
      >
        {sorted.map((tool) => (
          <ToolRow
            key={tool.name}
            connection={connection}
            tool={tool}
            approving={approve.isPending}
            onApprove={() => approve.mutate({ id, tools: [tool.name] })}
          />
        ))}
      </ul>
    </div>
  )
}
