'use client'

import {
  Bot,
  Cable,
  CirclePlus,
  CircleUser,
  KeyRound,
  type LucideIcon,
  Plus,
  Rocket,
  Server,
  ToyBrick,
} from 'lucide-react'
import Link from 'next/link'
import type { ReactNode } from 'react'
import { condense, describeEvent } from '#app/components/overview/event-text.ts'
import { InProgress } from '#app/components/overview/in-progress.tsx'
import { QueueCard } from '#app/components/overview/queue-card.tsx'
import { SERVER_LOOKS } from '#app/components/servers/server-state.tsx'
import { TOOLBOX_LOOKS } from '#app/components/toolboxes/toolbox-state.tsx'
import type { Tone } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { cn } from '#app/components/ui/cn.ts'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { Overview } from '#contracts/events.ts'

const inks: Record<Tone, string> = {
  ok: 'text-ok',
  info: 'text-info',
  warn: 'text-warn',
  bad: 'text-bad',
  neutral: 'text-muted',
}

interface Look {
  tone: Tone
  icon: LucideIcon
  label: string
}

/** Counts by state under a total, those that need a look first. */
function Counts({ byState, looks }: { byState: Record<string, number>; looks: Record<string, Look> }) {
  const rank: Tone[] = ['bad', 'warn', 'info', 'ok', 'neutral']
  const entries = Object.entries(byState)
    .flatMap(([state, count]) => {
      const look = looks[state]
      return count > 0 && look ? [{ state, count, look }] : []
    })
    .sort((a, b) => rank.indexOf(a.look.tone) - rank.indexOf(b.look.tone))
  if (entries.length === 0) return <p className="text-[0.8125rem] text-muted">None yet</p>
  return (
    <ul className="flex flex-wrap gap-x-3.5 gap-y-1">
      {entries.map(({ state, count, look }) => (
        <li key={state} className={cn('flex items-center gap-1.5 text-[0.8125rem]', inks[look.tone])}>
          <look.icon aria-hidden className="size-3.5" />
          {count} {look.label.toLowerCase()}
        </li>
      ))}
    </ul>
  )
}

interface FigureProps {
  icon: LucideIcon
  label: string
  total: number
  href?: string
  children?: ReactNode
}

function Figure({ icon: Icon, label, total, href, children }: FigureProps) {
  return (
    <Card className="relative grid content-start gap-1 px-5 py-4 transition-colors has-[a:hover]:border-line-strong">
      <h2 className="flex items-center gap-2 text-sm font-medium text-muted">
        <Icon aria-hidden className="size-4" />
        {href ? (
          <Link
            href={href}
            className="rounded after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-ring"
          >
            {label}
          </Link>
        ) : (
          label
        )}
      </h2>
      <p className="text-3xl font-semibold tracking-tight tabular-nums">{total}</p>
      {children}
    </Card>
  )
}

const EVENT_ICONS: Record<string, LucideIcon> = {
  server: Server,
  deployment: Rocket,
  toolbox: ToyBrick,
  agent: Bot,
  connection: Cable,
  user: CircleUser,
  apiKey: KeyRound,
  registry: KeyRound,
}

function RecentEvents({ overview }: { overview: Overview }) {
  const servers = trpc.servers.list.useQuery()
  const toolboxes = trpc.toolboxes.list.useQuery()
  const named = [...(servers.data?.items ?? []), ...(toolboxes.data?.items ?? [])]
  const names = new Map(named.map(({ id, name }) => [id, name]))
  return (
    <Card aria-label="Recent events">
      <CardHeader title="Recent events" />
      {overview.recent.length === 0 ? (
        <p className="px-5 py-6 text-sm text-muted">Nothing has happened yet.</p>
      ) : (
        <ol className="divide-y divide-line">
          {condense(overview.recent).map((event) => {
            const { title, detail, href } = describeEvent(event, names)
            const Icon = EVENT_ICONS[event.type.split('.')[0] ?? ''] ?? CirclePlus
            return (
              <li key={event.id} className="flex items-start gap-3 px-4 py-2.5 text-sm sm:px-5">
                <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-muted" />
                <div className="min-w-0 flex-1">
                  {href ? (
                    <Link href={href} className="rounded hover:underline">
                      {title}
                    </Link>
                  ) : (
                    title
                  )}
                  {detail ? <p className="text-[0.8125rem] text-muted">{detail}</p> : null}
                </div>
                <RelativeTime at={event.at} className="shrink-0 text-[0.8125rem] text-muted" />
              </li>
            )
          })}
        </ol>
      )}
    </Card>
  )
}

function deployButton(label: string) {
  return (
    <Button asChild variant="primary">
      <Link href="/admin/servers/new">
        <Plus aria-hidden />
        {label}
      </Link>
    </Button>
  )
}

/** What runs, what is going on, and what happened last. */
export function OverviewScreen() {
  const overview = trpc.status.overview.useQuery()
  return (
    <>
      <PageHeader
        title="Overview"
        lead="What runs on this installation, as it is right now."
        actions={overview.data && overview.data.servers.total > 0 ? deployButton('Deploy server') : null}
      />
      <QueryView query={overview}>
        {(data) => (
          <div className="grid gap-6">
            {data.servers.total === 0 ? (
              <EmptyState
                icon={Rocket}
                title="Deploy your first MCP server"
                action={deployButton('Deploy your first server')}
              >
                <p>
                  Name an npm package; Toolberth installs it on a toolbox, isolates it, and shows it as
                  running only after it has answered a real MCP handshake.
                </p>
              </EmptyState>
            ) : null}
            <div className="grid gap-4 sm:grid-cols-2 xl:grid-cols-4">
              <Figure icon={Server} label="Servers" total={data.servers.total} href="/admin/servers">
                <Counts byState={data.servers.byState} looks={SERVER_LOOKS} />
              </Figure>
              <Figure icon={ToyBrick} label="Toolboxes" total={data.toolboxes.total} href="/admin/toolboxes">
                <Counts byState={data.toolboxes.byState} looks={TOOLBOX_LOOKS} />
              </Figure>
              <Figure icon={Bot} label="Agents" total={data.agents}>
                <p className="text-[0.8125rem] text-muted">of all users</p>
              </Figure>
              <Figure icon={Cable} label="Connections" total={data.connections.total}>
                <ul className="flex flex-wrap gap-x-3.5 gap-y-1 text-[0.8125rem] text-muted">
                  {Object.entries(data.connections.byState).map(([state, count]) => (
                    <li key={state}>
                      {count} {state}
                    </li>
                  ))}
                </ul>
              </Figure>
            </div>
            {data.deploymentsInProgress > 0 ? <InProgress /> : null}
            <QueueCard />
            <RecentEvents overview={data} />
          </div>
        )}
      </QueryView>
    </>
  )
}
