'use client'

import { useEffect, useRef } from 'react'
import { LogLines } from '#app/components/servers/log-lines.tsx'
import { isEnded } from '#app/components/servers/server-state.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { Deployment, ServerDetail } from '#contracts/servers.ts'

const TAIL = 100
const FOLLOW_MS = 2_000

interface DeploymentLogProps {
  server: ServerDetail
  deployment: Deployment
  /** Another revision serves meanwhile, and its log is the one that can be read. */
  isUpdate: boolean
}

/** The last lines of what is being deployed, as the toolbox has them. */
export function DeploymentLog({ server, deployment, isUpdate }: DeploymentLogProps) {
  const going = !isEnded(deployment.state)
  const hidden = going && isUpdate
  const logs = trpc.servers.logs.useQuery(
    { id: server.id, tail: TAIL },
    { enabled: !hidden, refetchInterval: going ? FOLLOW_MS : false, staleTime: 0 },
  )
  const view = useRef<HTMLDivElement>(null)
  const lines = logs.data?.lines ?? []
  const newest = lines.at(-1)?.at
  useEffect(() => {
    if (view.current) view.current.scrollTop = view.current.scrollHeight
  }, [newest, lines.length])
  const silence = logs.error
    ? `${readFailure(logs.error).text} ${readFailure(logs.error).action}`
    : going
      ? 'Nothing was written yet.'
      : 'It wrote nothing.'
  return (
    <Card aria-label="Log" className="flex min-h-80 flex-col overflow-hidden">
      <CardHeader title="Log" hint={hidden ? 'Readable once it serves.' : undefined} />
      <div
        ref={view}
        role="log"
        aria-label={`Log of ${server.name}`}
        aria-live="off"
        tabIndex={0}
        className="max-h-[32rem] min-h-72 flex-1 overflow-auto bg-code py-3 text-on-code -outline-offset-2"
      >
        {lines.length > 0 && !hidden ? (
          <LogLines lines={lines} />
        ) : (
          <p className="grid h-full place-content-center px-6 text-center text-sm text-on-code/70">
            {silence}
          </p>
        )}
      </div>
    </Card>
  )
}
