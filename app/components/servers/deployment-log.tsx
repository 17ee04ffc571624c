'use client'

import { useEffect, useRef } from 'react'
import type { z } from 'zod'
import { LogLines } from '#app/components/servers/log-lines.tsx'
import { isEnded } from '#app/components/servers/server-state.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { Deployment } from '#contracts/deployments.ts'
import type { LogInstance } from '#contracts/logs.ts'
import type { ServerDetail } from '#contracts/servers.ts'

const TAIL = 100
const FOLLOW_MS = 2_000
/** Longer than clocks of a browser and its server tend to differ. */
const SETTLE_MS = 60_000

interface DeploymentLogProps {
  server: ServerDetail
  deployment: Deployment
}

/** The last lines may be told a moment after the end. */
function endedJustNow({ finishedAt }: Deployment): boolean {
  return finishedAt !== null && Date.now() - Date.parse(finishedAt) < SETTLE_MS
}

/** Of the instances that a server has at a time, the one that a deployment made: its revision's newest. */
function instanceOf(instances: readonly z.infer<typeof LogInstance>[], { revisionNumber }: Deployment) {
  const [newest] = instances
    .filter((instance) => instance.revisionNumber === revisionNumber)
    .toSorted((one, other) => other.attempt - one.attempt)
  return newest
}

/** The last lines of what is being deployed, as the toolbox has them. */
export function DeploymentLog({ server, deployment }: DeploymentLogProps) {
  const going = !isEnded(deployment.state)
  const logs = trpc.servers.logs.useQuery(
    { id: server.id, tail: TAIL },
    { refetchInterval: () => (going || endedJustNow(deployment) ? FOLLOW_MS : false), staleTime: 0 },
  )
  const view = useRef<HTMLDivElement>(null)
  const instance = instanceOf(logs.data?.instances ?? [], deployment)
  const lines = (logs.data?.lines ?? []).filter((line) => line.instanceId === instance?.id)
  const newest = lines.at(-1)?.at
  useEffect(() => {
    if (view.current) view.current.scrollTop = view.current.scrollHeight
  }, [newest, lines.length])
  const silence = logs.error
    ? `${readFailure(logs.error).text} ${readFailure(logs.error).action}`
    : going
      ? 'Nothing was written yet.'
      : instance
        ? 'It wrote nothing.'
        : 'Its log went with its instance.'
  return (
    <Card aria-label="Log" className="flex min-h-80 flex-col overflow-hidden">
      <CardHeader title="Log" />
      <div
        ref={view}
        role="log"
        aria-label={`Log of ${server.name}`}
        aria-live="off"
        tabIndex={0}
        className="max-h-[32rem] min-h-72 flex-1 overflow-auto bg-code py-3 text-on-code -outline-offset-2"
      >
        {lines.length > 0 ? (
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
