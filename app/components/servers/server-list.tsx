'use client'

import { Lock, Plus, Search, Server } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { SERVER_LOOKS, ServerStateBadge } from '#app/components/servers/server-state.tsx'
import { sourceText } from '#app/components/servers/source-text.ts'
import { Button } from '#app/components/ui/button.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { plural } from '#app/components/ui/format.ts'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { SearchInput } from '#app/components/ui/search-input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure } from '#app/trpc/failure.ts'
import type { ServerState, ServerSummary } from '#contracts/servers.ts'

function ServerRow({ server }: { server: ServerSummary }) {
  const failure = server.failure ? describeFailure(server.failure) : null
  const phase = server.state === 'deploying' ? server.deployment?.phase : null
  return (
    <li className="relative grid gap-x-4 gap-y-1.5 px-4 py-3.5 transition-colors hover:bg-sunken/60 sm:grid-cols-[minmax(0,5fr)_minmax(0,3fr)_8.5rem] sm:items-center sm:px-5">
      <div className="min-w-0">
        <p className="flex min-w-0 items-center gap-2">
          <Link
            href={`/admin/servers/${server.id}`}
            className="rounded font-semibold break-words after:absolute sm:truncate after:inset-0 focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-ring"
          >
            {server.name}
          </Link>
          {server.visibility === 'restricted' ? (
            <Lock role="img" aria-label="Restricted" className="size-3.5 shrink-0 text-muted" />
          ) : null}
        </p>
        <p className="truncate text-[0.8125rem] text-muted">
          {server.source ? (
            <span className="font-mono">{sourceText(server.source)}</span>
          ) : (
            server.description
          )}
        </p>
        {failure && server.state !== 'running' ? (
          <p className="mt-0.5 text-[0.8125rem] text-bad">{failure.text}</p>
        ) : null}
        {phase ? <p className="mt-0.5 text-[0.8125rem] text-info">{phase}</p> : null}
      </div>
      <p className="text-[0.8125rem] text-muted max-sm:order-last">
        {server.toolbox ? server.toolbox.name : 'No toolbox'}
        <span aria-hidden> · </span>
        {server.toolCount > 0 ? plural(server.toolCount, 'tool') : 'no tools yet'}
        <span aria-hidden> · </span>
        <RelativeTime at={server.updatedAt} />
      </p>
      <div className="flex sm:justify-end">
        <ServerStateBadge state={server.state} />
      </div>
    </li>
  )
}

function FilteredServers({ servers }: { servers: ServerSummary[] }) {
  const [search, setSearch] = useState('')
  const [state, setState] = useState<'all' | ServerState>('all')
  if (servers.length === 0)
    return (
      <EmptyState
        icon={Server}
        title="No servers yet"
        action={
          <Button asChild variant="primary">
            <Link href="/admin/servers/new">
              <Plus aria-hidden />
              Deploy your first server
            </Link>
          </Button>
        }
      >
        <p>
          Deploy any MCP server from npm, such as{' '}
          <code className="font-mono text-[0.8125rem]">@modelcontextprotocol/server-everything</code>. It goes
          live once it has answered a real handshake.
        </p>
      </EmptyState>
    )
  const wanted = search.trim().toLowerCase()
  const shown = servers.filter(
    (server) =>
      (state === 'all' || server.state === state) &&
      [
        server.name,
        server.description,
        server.source && sourceText(server.source),
        server.toolbox?.name,
      ].some((text) => text?.toLowerCase().includes(wanted)),
  )
  const present = [...new Set(servers.map((server) => server.state))]
  return (
    <>
      <div className="mb-4 flex flex-wrap gap-2">
        <SearchInput
          className="min-w-48 flex-1"
          aria-label="Search servers"
          placeholder="Search by name, package or toolbox"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <Select
          aria-label="State"
          className="w-44"
          value={state}
          onValueChange={(next) => setState(next as 'all' | ServerState)}
          options={[
            { value: 'all', label: 'All states' },
            ...present.map((value) => ({ value, label: SERVER_LOOKS[value].label })),
          ]}
        />
      </div>
      {shown.length === 0 ? (
        <EmptyState
          icon={Search}
          title="No server matches"
          action={
            <Button
              onClick={() => {
                setSearch('')
                setState('all')
              }}
            >
              Clear the filter
            </Button>
          }
        />
      ) : (
        <ul
          aria-label="Servers"
          className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-card"
        >
          {shown.map((server) => (
            <ServerRow key={server.id} server={server} />
          ))}
        </ul>
      )}
    </>
  )
}

/** The admin's servers. */
export function ServerListScreen() {
  const servers = trpc.servers.list.useQuery()
  return (
    <>
      <PageHeader
        title="Servers"
        lead="MCP servers that run on your toolboxes."
        actions={
          <Button asChild variant="primary">
            <Link href="/admin/servers/new">
              <Plus aria-hidden />
              Deploy server
            </Link>
          </Button>
        }
      />
      <QueryView query={servers}>{(data) => <FilteredServers servers={data.items} />}</QueryView>
    </>
  )
}
