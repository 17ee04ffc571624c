'use client'

import { Bot, Plus } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { CreateAgentDialog } from '#app/components/agents/create-agent-dialog.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card } from '#app/components/ui/card.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { plural } from '#app/components/ui/format.ts'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { Agent } from '#contracts/agents.ts'

function AgentCard({ agent }: { agent: Agent }) {
  return (
    <Card className="relative grid gap-3 p-5 transition-colors has-[a:hover]:border-line-strong">
      <div className="flex items-start gap-3">
        <span className="grid size-10 shrink-0 place-items-center rounded-xl bg-primary-soft text-primary">
          <Bot aria-hidden className="size-5" />
        </span>
        <div className="min-w-0">
          <h2 className="truncate font-semibold">
            <Link
              href={`/agents/${agent.id}`}
              className="after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-ring"
            >
              {agent.name}
            </Link>
          </h2>
          <p className="text-[0.8125rem] text-muted">
            {agent.lastUsedAt ? (
              <>
                last used <RelativeTime at={agent.lastUsedAt} />
              </>
            ) : (
              'never used'
            )}
          </p>
        </div>
      </div>
      <p className="text-sm text-muted">
        {plural(agent.connectionCount, 'server')} connected, {plural(agent.toolCount, 'tool')}
      </p>
    </Card>
  )
}

/** One's own agents. */
export function AgentListScreen() {
  const [creating, setCreating] = useState(false)
  const agents = trpc.agents.list.useQuery()
  const create = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden />
      Create agent
    </Button>
  )
  return (
    <>
      <PageHeader
        title="My agents"
        lead="Each agent has one URL through which its MCP client calls every connected tool."
        actions={create}
      />
      <QueryView query={agents}>
        {(data) =>
          data.items.length === 0 ? (
            <EmptyState icon={Bot} title="No agents yet" action={create}>
              <p>Create one, connect it to servers, and paste its configuration into your MCP client.</p>
            </EmptyState>
          ) : (
            <div className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
              {data.items.map((agent) => (
                <AgentCard key={agent.id} agent={agent} />
              ))}
            </div>
          )
        }
      </QueryView>
      {creating ? <CreateAgentDialog onClose={() => setCreating(false)} /> : null}
    </>
  )
}
