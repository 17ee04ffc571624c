'use client'

import { FlaskConical } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { AgentActions, type AgentDialog } from '#app/components/agents/agent-actions.tsx'
import { ClientSetup } from '#app/components/agents/client-setup.tsx'
import { UsageTab } from '#app/components/agents/usage-tab.tsx'
import { ConnectedTab } from '#app/components/connections/connected-tab.tsx'
import { DiscoverTab } from '#app/components/connections/discover-tab.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { plural } from '#app/components/ui/format.ts'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Tab, TabList, TabPanel, Tabs } from '#app/components/ui/tabs.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { Agent } from '#contracts/agents.ts'

function Detail({ agent }: { agent: Agent }) {
  const [tab, setTab] = useState('connected')
  const [dialog, setDialog] = useState<AgentDialog>(null)
  return (
    <>
      <PageHeader
        parent={{ href: '/agents', label: 'My agents' }}
        title={agent.name}
        lead={
          <span className="text-sm">
            {plural(agent.toolCount, 'tool')} through one URL,{' '}
            {agent.lastUsedAt ? (
              <>
                last used <RelativeTime at={agent.lastUsedAt} />
              </>
            ) : (
              'never used'
            )}
          </span>
        }
        actions={
          <>
            {agent.connectionCount === 0 ? null : (
              <Button asChild>
                <Link href={`/agents/${agent.id}/try`}>
                  <FlaskConical aria-hidden />
                  Try a tool
                </Link>
              </Button>
            )}
            <AgentActions
              agent={agent}
              dialog={dialog}
              onDialog={setDialog}
              onRotated={() => setTab('setup')}
            />
          </>
        }
      />
      <Tabs value={tab} onValueChange={setTab}>
        <TabList label="About this agent">
          <Tab value="connected" count={agent.connectionCount}>
            Connected
          </Tab>
          <Tab value="discover">Discover</Tab>
          <Tab value="usage">Usage</Tab>
          <Tab value="setup">Connect an MCP client</Tab>
        </TabList>
        <TabPanel value="connected">
          <ConnectedTab agentId={agent.id} onDiscover={() => setTab('discover')} />
        </TabPanel>
        <TabPanel value="discover">
          <DiscoverTab agent={agent} onSetUp={() => setTab('setup')} />
        </TabPanel>
        <TabPanel value="usage">
          <UsageTab agentId={agent.id} />
        </TabPanel>
        <TabPanel value="setup">
          <ClientSetup agent={agent} onRotate={() => setDialog('rotate')} />
        </TabPanel>
      </Tabs>
    </>
  )
}

/** An agent's toolbox: what it is connected to, what else there is, and how a client uses it. */
export function AgentDetailScreen({ id }: { id: string }) {
  const agent = trpc.agents.get.useQuery({ id })
  usePageTitle(agent.data?.name)
  const code = agent.error ? readFailure(agent.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST') return <NotFound />
  return (
    <QueryView query={agent} loading={<PageSkeleton />}>
      {(data) => <Detail agent={data} />}
    </QueryView>
  )
}
