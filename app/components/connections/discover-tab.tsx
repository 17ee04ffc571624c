'use client'

import { ChevronRight, CircleCheck, KeyRound, Plug, Search, Server } from 'lucide-react'
import { useState } from 'react'
import { ConnectDialog } from '#app/components/connections/connect-dialog.tsx'
import { ServerStateBadge } from '#app/components/servers/server-state.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card } from '#app/components/ui/card.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { plural } from '#app/components/ui/format.ts'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { SearchInput } from '#app/components/ui/search-input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { ToolList } from '#app/components/ui/tool-list.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { Agent, AvailableServer } from '#contracts/agents.ts'

/** Categories of its catalog entry, and what it can do besides tools. */
function Traits({ server }: { server: AvailableServer }) {
  const traits = [...server.categories, ...server.capabilities.filter((one) => one !== 'tools')]
  if (traits.length === 0) return null
  return <p className="mt-0.5 text-xs text-muted">{traits.join(' · ')}</p>
}

function AvailableCard({ server, onConnect }: { server: AvailableServer; onConnect: () => void }) {
  const usable = server.state === 'running' || server.state === 'degraded'
  return (
    <Card aria-label={server.name}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-4 sm:px-5">
        <div className="min-w-0 flex-1 basis-56">
          <h3 className="font-semibold break-words sm:truncate">{server.name}</h3>
          {server.description ? <p className="text-[0.8125rem] text-muted">{server.description}</p> : null}
          <Traits server={server} />
        </div>
        {server.userCredentials.some(({ required }) => required) ? (
          <Badge tone="info" icon={KeyRound}>
            Needs your credentials
          </Badge>
        ) : null}
        <ServerStateBadge state={server.state} />
        {server.connectionId ? (
          <Badge tone="ok" icon={CircleCheck}>
            Connected
          </Badge>
        ) : (
          <Button
            size="sm"
            variant="primary"
            aria-label={`Connect ${server.name}`}
            disabled={!usable}
            title={usable ? undefined : 'It has to be running first'}
            onClick={onConnect}
          >
            <Plug aria-hidden />
            Connect
          </Button>
        )}
      </div>
      <details className="group border-t border-line">
        <summary className="flex list-none items-center gap-2 rounded-b-xl px-4 py-2.5 text-sm text-muted -outline-offset-2 hover:text-ink sm:px-5">
          <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
          {plural(server.tools.length, 'tool')}
        </summary>
        <div className="px-4 pb-4 sm:px-5">
          <ToolList tools={server.tools} empty="Its tools are not known yet" />
        </div>
      </details>
    </Card>
  )
}

const ANY = 'any'
const distinct = (all: string[]): string[] => [...new Set(all)].toSorted()

interface FilterProps {
  label: string
  value: string
  options: string[]
  onChange: (value: string) => void
}

/** Not there where there is nothing to tell apart. */
function Filter({ label, value, options, onChange }: FilterProps) {
  if (options.length === 0) return null
  return (
    <Select
      aria-label={label}
      className="min-w-40 flex-1 sm:w-auto sm:flex-none"
      value={options.includes(value) ? value : ANY}
      onValueChange={onChange}
      options={[
        { value: ANY, label: `Any ${label.toLowerCase()}` },
        ...options.map((one) => ({ value: one, label: one })),
      ]}
    />
  )
}

interface DiscoverTabProps {
  agent: Agent
  /** After a connection was made: leads to where clients are set up. */
  onSetUp: () => void
}

/** Servers the agent's owner may use, with their tools in view before connecting. */
export function DiscoverTab({ agent, onSetUp }: DiscoverTabProps) {
  const [search, setSearch] = useState('')
  const [category, setCategory] = useState(ANY)
  const [capability, setCapability] = useState(ANY)
  const [connecting, setConnecting] = useState<AvailableServer | null>(null)
  const available = trpc.connections.available.useQuery({ agentId: agent.id })
  const wanted = search.trim().toLowerCase()
  return (
    <>
      <QueryView query={available}>
        {(data) => {
          if (data.items.length === 0)
            return (
              <EmptyState icon={Server} title="No servers to connect to">
                <p>None runs at the moment, or none is granted to you. Ask an admin.</p>
              </EmptyState>
            )
          const categories = distinct(data.items.flatMap((server) => server.categories))
          const capabilities = distinct(data.items.flatMap((server) => server.capabilities))
          const has = (all: string[], one: string) => one === ANY || all.includes(one)
          const shown = data.items.filter(
            (server) =>
              has(server.categories, category) &&
              has(server.capabilities, capability) &&
              [
                server.name,
                server.description,
                ...server.tools.flatMap((tool) => [tool.name, tool.title, tool.description]),
              ].some((text) => text?.toLowerCase().includes(wanted)),
          )
          return (
            <div className="grid gap-4">
              <div className="flex flex-wrap gap-3">
                <SearchInput
                  className="min-w-0 flex-1 basis-64"
                  aria-label="Search servers and tools"
                  placeholder="Search servers and tools"
                  value={search}
                  onChange={(event) => setSearch(event.target.value)}
                />
                <Filter label="Category" value={category} options={categories} onChange={setCategory} />
                <Filter
                  label="Capability"
                  value={capability}
                  options={capabilities}
                  onChange={setCapability}
                />
              </div>
              <p role="status" className="sr-only">
                {plural(shown.length, 'server')} found
              </p>
              {shown.length === 0 ? (
                <EmptyState
                  icon={Search}
                  title="No server or tool matches"
                  action={
                    <Button
                      onClick={() => {
                        setSearch('')
                        setCategory(ANY)
                        setCapability(ANY)
                      }}
                    >
                      Show all servers
                    </Button>
                  }
                />
              ) : null}
              {shown.map((server) => (
                <AvailableCard key={server.id} server={server} onConnect={() => setConnecting(server)} />
              ))}
            </div>
          )
        }}
      </QueryView>
      {connecting ? (
        <ConnectDialog
          agent={agent}
          server={connecting}
          onClose={() => setConnecting(null)}
          onSetUp={() => {
            setConnecting(null)
            onSetUp()
          }}
        />
      ) : null}
    </>
  )
}
