'use client'

import { useState } from 'react'
import { ConfigurationTab } from '#app/components/servers/configuration-tab.tsx'
import { CurrentDeployment } from '#app/components/servers/current-deployment.tsx'
import { DeploymentsTab } from '#app/components/servers/deployments-tab.tsx'
import { LogsTab } from '#app/components/servers/logs-tab.tsx'
import { ServerActions } from '#app/components/servers/server-actions.tsx'
import { isEnded, ServerStateBadge } from '#app/components/servers/server-state.tsx'
import { sourceText, TRANSPORT_LABELS } from '#app/components/servers/source-text.ts'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { plural } from '#app/components/ui/format.ts'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Tab, TabList, TabPanel, Tabs } from '#app/components/ui/tabs.tsx'
import { ToolList } from '#app/components/ui/tool-list.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure, readFailure } from '#app/trpc/failure.ts'
import type { ServerDetail } from '#contracts/servers.ts'

/** A server gone quiet about its deployment is asked about itself: events are hints and may be lost. */
const WATCH_MS = 5_000

function Summary({ server }: { server: ServerDetail }) {
  const facts = [
    server.source ? sourceText(server.source) : null,
    server.transport ? TRANSPORT_LABELS[server.transport] : null,
    server.toolbox ? `on ${server.toolbox.name}` : null,
    plural(server.connectionCount, 'connection'),
  ].filter((fact) => fact !== null)
  return (
    <span className="flex flex-wrap gap-x-4 gap-y-0.5 text-sm">
      {facts.map((fact) => (
        <span key={fact}>{fact}</span>
      ))}
      {server.instance?.startedAt && server.state === 'running' ? (
        <span>
          started <RelativeTime at={server.instance.startedAt} />
        </span>
      ) : null}
    </span>
  )
}

function Detail({ server }: { server: ServerDetail }) {
  const [tab, setTab] = useState('tools')
  const latest = server.deployments[0]
  const shownByDeployment = latest?.failure?.code === server.failure?.code
  return (
    <>
      <PageHeader
        parent={{ href: '/admin/servers', label: 'Servers' }}
        title={server.name}
        badges={<ServerStateBadge state={server.state} />}
        lead={<Summary server={server} />}
        actions={<ServerActions server={server} />}
      />
      {server.description ? <p className="-mt-3 mb-6 max-w-prose text-sm">{server.description}</p> : null}
      {server.failure && !shownByDeployment ? (
        <FailureNotice failure={describeFailure(server.failure)} className="mb-6" />
      ) : null}
      <CurrentDeployment server={server} />
      <Tabs value={tab} onValueChange={setTab}>
        <TabList label="About this server">
          <Tab value="tools" count={server.tools.length || undefined}>
            Tools
          </Tab>
          <Tab value="logs">Logs</Tab>
          <Tab value="configuration">Configuration</Tab>
          <Tab value="deployments" count={server.deployments.length}>
            Deployments
          </Tab>
        </TabList>
        <TabPanel value="tools">
          <ToolList
            tools={server.tools}
            empty={
              latest && !isEnded(latest.state)
                ? 'Its tools are read once it answers'
                : server.state === 'running'
                  ? 'It offers no tools'
                  : 'Its tools are not known'
            }
          />
        </TabPanel>
        <TabPanel value="logs">
          <LogsTab id={server.id} name={server.name} />
        </TabPanel>
        <TabPanel value="configuration">
          <ConfigurationTab server={server} />
        </TabPanel>
        <TabPanel value="deployments">
          <DeploymentsTab server={server} />
        </TabPanel>
      </Tabs>
    </>
  )
}

/** One server: state, live deployment, tools, logs, configuration and history. */
export function ServerDetailScreen({ id }: { id: string }) {
  const server = trpc.servers.get.useQuery(
    { id },
    {
      refetchInterval: ({ state }) => {
        const latest = state.data?.deployments[0]
        return latest && !isEnded(latest.state) ? WATCH_MS : false
      },
    },
  )
  usePageTitle(server.data?.name)
  const code = server.error ? readFailure(server.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST') return <NotFound />
  return (
    <QueryView query={server} loading={<PageSkeleton />}>
      {(data) => <Detail server={data} />}
    </QueryView>
  )
}
