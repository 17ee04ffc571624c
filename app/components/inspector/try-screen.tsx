'use client'

import { FlaskConical, History } from 'lucide-react'
import { useState } from 'react'
import { ArgumentsForm } from '#app/components/inspector/arguments-form.tsx'
import { CallResult } from '#app/components/inspector/call-result.tsx'
import { ToolPicker } from '#app/components/inspector/tool-picker.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { formatLatency } from '#app/components/ui/format.ts'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ToolCall, ToolList } from '#contracts/tools.ts'

/** Calls of this visit; a reload forgets them. */
const KEPT = 20

interface Made {
  id: number
  name: string
  values: Record<string, unknown>
  call: ToolCall
}

function Inspector({ agentId, list }: { agentId: string; list: ToolList }) {
  const [name, setName] = useState<string | null>(null)
  const [start, setStart] = useState<{ values: Record<string, unknown>; turn: number } | null>(null)
  const [made, setMade] = useState<Made[]>([])
  const [shown, setShown] = useState<number | null>(null)
  const utils = trpc.useUtils()
  const call = trpc.tools.call.useMutation({
    onSuccess: (answer, { name: called, arguments: values = {} }) => {
      const id = (made[0]?.id ?? 0) + 1
      setMade((before) => [{ id, name: called, values, call: answer }, ...before].slice(0, KEPT))
      setShown(id)
      // Gateways write calls down within a second or so; a page that is opened now fetches anew.
      void utils.connections.get.invalidate()
      void utils.connections.calls.invalidate()
    },
  })
  const tool = list.tools.find((one) => one.name === name) ?? list.tools[0]
  if (tool === undefined)
    return (
      <EmptyState icon={FlaskConical} title="There is no tool to try">
        <p>Connect the agent to a server first; its tools appear here.</p>
      </EmptyState>
    )
  const current = made.find(({ id }) => id === shown)
  return (
    <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,20rem)_minmax(0,1fr)]">
      <ToolPicker
        tools={list.tools}
        backends={list.backends}
        picked={tool.name}
        onPick={(picked) => {
          setName(picked)
          setStart(null)
          call.reset()
        }}
      />
      <div className="grid min-w-0 gap-5">
        <Card aria-label="Call">
          <CardHeader
            title={<code className="font-mono break-all">{tool.name}</code>}
            hint={tool.description}
          />
          <div className="px-4 py-4 sm:px-5">
            <ArgumentsForm
              key={`${tool.name} ${start?.turn ?? 0}`}
              tool={tool}
              start={start?.values ?? null}
              busy={call.isPending}
              onCall={(values) => call.mutate({ agentId, name: tool.name, arguments: values })}
            />
          </div>
        </Card>
        {call.error ? <FailureNotice failure={readFailure(call.error)} /> : null}
        <div aria-live="polite" className="min-w-0">
          {current ? (
            <Card aria-label="Result">
              <CardHeader title={`Result of ${current.name}`} />
              <div className="px-4 py-4 sm:px-5">
                <CallResult call={current.call} />
              </div>
            </Card>
          ) : null}
        </div>
        {made.length === 0 ? null : (
          <Card aria-label="Calls of this visit">
            <CardHeader title="Calls of this visit" hint="They stand in the log of calls, too." />
            <ul className="divide-y divide-line">
              {made.map((one) => (
                <li key={one.id} className="flex flex-wrap items-center gap-2 px-4 py-2.5 text-sm sm:px-5">
                  <Badge tone={one.call.outcome === 'ok' ? 'ok' : 'bad'}>
                    {formatLatency(one.call.latencyMs)}
                  </Badge>
                  <code className="min-w-0 flex-1 break-all font-mono max-sm:order-first max-sm:basis-full">
                    {one.name}
                  </code>
                  <Button size="sm" aria-pressed={one.id === shown} onClick={() => setShown(one.id)}>
                    Show
                  </Button>
                  <Button
                    size="sm"
                    aria-label={`Call ${one.name} again with these arguments`}
                    onClick={() => {
                      setName(one.name)
                      setStart({ values: one.values, turn: (start?.turn ?? 0) + 1 })
                    }}
                  >
                    <History aria-hidden />
                    Again
                  </Button>
                </li>
              ))}
            </ul>
          </Card>
        )}
      </div>
    </div>
  )
}

/** Calls an agent's tools by hand, through the gateway, as the agent would. */
export function TryScreen({ agentId }: { agentId: string }) {
  const agent = trpc.agents.get.useQuery({ id: agentId })
  const tools = trpc.tools.list.useQuery({ agentId }, { staleTime: 10_000 })
  const code = agent.error ? readFailure(agent.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST') return <NotFound />
  return (
    <QueryView query={agent} loading={<PageSkeleton />}>
      {({ name }) => (
        <>
          <PageHeader
            parent={{ href: `/agents/${agentId}`, label: name }}
            title="Try a tool"
            lead="A call goes through the gateway, with the rights and limits of the agent."
          />
          <QueryView query={tools}>{(list) => <Inspector agentId={agentId} list={list} />}</QueryView>
        </>
      )}
    </QueryView>
  )
}
