'use client'

import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { ConnectionStateBadge } from '#app/components/connections/connection-state.tsx'
import { CallsPanel } from '#app/components/connections/detail/calls-panel.tsx'
import { ChecksPanel } from '#app/components/connections/detail/checks-panel.tsx'
import { ConnectionActions } from '#app/components/connections/detail/connection-actions.tsx'
import { CredentialsPanel } from '#app/components/connections/detail/credentials-panel.tsx'
import { EventsPanel } from '#app/components/connections/detail/events-panel.tsx'
import { SettingsPanel } from '#app/components/connections/detail/settings-panel.tsx'
import { ToolsPanel } from '#app/components/connections/detail/tools-panel.tsx'
import { ServerStateBadge } from '#app/components/servers/server-state.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card } from '#app/components/ui/card.tsx'
import { Facts } from '#app/components/ui/facts.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { formatLatency, plural } from '#app/components/ui/format.ts'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Tab, TabList, TabPanel, Tabs } from '#app/components/ui/tabs.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure, readFailure } from '#app/trpc/failure.ts'
import type { ConnectionDetail } from '#contracts/agents.ts'

function MissingCredentials({ names, onGive }: { names: string[]; onGive: () => void }) {
  return (
    <div
      role="alert"
      className="mb-5 flex flex-wrap items-start gap-3 rounded-xl border border-bad/35 bg-bad-soft px-4 py-3.5 text-sm"
    >
      <KeyRound aria-hidden className="mt-0.5 size-5 shrink-0 text-bad" />
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-semibold text-bad">
          This server needs{' '}
          {names.map((name, at) => (
            <span key={name}>
              {at > 0 ? ', ' : null}
              <code className="font-mono break-all">{name}</code>
            </span>
          ))}{' '}
          of yours
        </p>
        <p className="mt-0.5 text-ink">No call of this connection is sent until it is given.</p>
      </div>
      <Button size="sm" onClick={onGive}>
        Give it now
      </Button>
    </div>
  )
}

function Detail({ connection }: { connection: ConnectionDetail }) {
  const { server, toolChanges, calls, protocol } = connection
  const unapproved = toolChanges.changed + toolChanges.new + toolChanges.removed
  const missing = connection.credentials.filter(({ required, set }) => required && !set)
  const asks = missing.length > 0 && connection.state !== 'disconnected'
  const [tab, setTab] = useState(asks ? 'credentials' : 'tools')
  return (
    <>
      <PageHeader
        parent={{ href: `/agents/${connection.agentId}`, label: 'Agent' }}
        title={server.name}
        badges={
          <>
            <ConnectionStateBadge state={connection.state} />
            {server.state === 'running' ? null : <ServerStateBadge state={server.state} />}
          </>
        }
        lead={server.description}
        actions={connection.state === 'disconnected' ? null : <ConnectionActions connection={connection} />}
      />
      {asks ? (
        <MissingCredentials names={missing.map(({ name }) => name)} onGive={() => setTab('credentials')} />
      ) : connection.failure ? (
        <FailureNotice failure={describeFailure(connection.failure)} className="mb-5" />
      ) : null}
      <Card aria-label="This connection" className="mb-5">
        <Facts
          items={[
            [
              'Names of tools',
              connection.prefixTools ? (
                <code key="p" className="font-mono">
                  {connection.slug}__tool
                </code>
              ) : (
                'their own'
              ),
            ],
            [
              'Last test',
              connection.lastTestedAt ? (
                <span key="t">
                  <RelativeTime at={connection.lastTestedAt} />
                  {connection.latencyMs === null
                    ? ''
                    : `, answered in ${formatLatency(connection.latencyMs)}`}
                </span>
              ) : null,
            ],
            [
              'Next test',
              connection.nextCheckAt ? <RelativeTime key="n" at={connection.nextCheckAt} /> : null,
            ],
            [
              'Calls in 24 h',
              calls.total === 0
                ? 'none'
                : `${calls.total}, ${calls.failed === 0 ? 'none' : calls.failed} of them failed`,
            ],
            [
              'Protocol',
              protocol ? `MCP ${protocol.version}${protocol.era === 'modern' ? ', stateless' : ''}` : null,
            ],
          ]}
        />
      </Card>
      <Tabs value={tab} onValueChange={setTab}>
        <TabList label="About this connection">
          <Tab value="tools" count={connection.tools.length}>
            Tools
            {unapproved > 0 ? (
              <span className="sr-only">, {plural(unapproved, 'change')} to look at</span>
            ) : null}
          </Tab>
          <Tab value="tests">Tests</Tab>
          <Tab value="calls">Calls</Tab>
          <Tab value="events">Events</Tab>
          <Tab value="settings">Settings</Tab>
          <Tab value="credentials">
            Credentials
            {asks ? <span className="sr-only">, {missing.length} missing</span> : null}
          </Tab>
        </TabList>
        <TabPanel value="tools">
          <ToolsPanel connection={connection} />
        </TabPanel>
        <TabPanel value="tests">
          <ChecksPanel connection={connection} />
        </TabPanel>
        <TabPanel value="calls">
          <CallsPanel id={connection.id} />
        </TabPanel>
        <TabPanel value="events">
          <EventsPanel id={connection.id} />
        </TabPanel>
        <TabPanel value="settings">
          <SettingsPanel connection={connection} />
        </TabPanel>
        <TabPanel value="credentials">
          <CredentialsPanel connection={connection} />
        </TabPanel>
      </Tabs>
    </>
  )
}

/** One connection of an agent: how it does, which tools it brings, and what its owner decides of it. */
export function ConnectionScreen({ agentId, id }: { agentId: string; id: string }) {
  const connection = trpc.connections.get.useQuery({ id })
  usePageTitle(connection.data?.server.name)
  const code = connection.error ? readFailure(connection.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST') return <NotFound />
  if (connection.data && connection.data.agentId !== agentId) return <NotFound />
  return (
    <QueryView query={connection} loading={<PageSkeleton />}>
      {(data) => <Detail connection={data} />}
    </QueryView>
  )
}
