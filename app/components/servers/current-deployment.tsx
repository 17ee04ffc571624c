'use client'

import { ArrowRight, Pencil, RotateCw } from 'lucide-react'
import Link from 'next/link'
import { DeploymentFailure } from '#app/components/servers/deployment-failure.tsx'
import { DeploymentProgress } from '#app/components/servers/deployment-progress.tsx'
import { DeploymentStateBadge, isEnded } from '#app/components/servers/server-state.tsx'
import { useCancel } from '#app/components/servers/use-cancel.ts'
import { useRedeploy } from '#app/components/servers/use-redeploy.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import type { ServerDetail } from '#contracts/servers.ts'

/** The deployment that goes on, or the one that ended badly; a live one is history and not shown. */
export function CurrentDeployment({ server }: { server: ServerDetail }) {
  const deployment = server.deployments[0]
  const redeploy = useRedeploy(server.id)
  const cancel = useCancel(server.id)
  if (!deployment || deployment.state === 'live') return null
  const ended = isEnded(deployment.state)
  const serving = server.state === 'running' && server.instance ? server.instance.revisionNumber : null
  return (
    <Card aria-label="Current deployment" className="mb-6">
      <CardHeader
        title={`Deployment of revision ${deployment.revisionNumber}`}
        hint={serving ? `Revision ${serving} goes on serving.` : undefined}
        actions={
          <>
            <DeploymentStateBadge state={deployment.state} />
            {ended ? null : (
              <>
                {/* One that has failed and brings back what served has nothing left to cancel. */}
                {deployment.failure ? null : (
                  <Button
                    size="sm"
                    busy={cancel.isPending}
                    onClick={() => cancel.mutate({ id: deployment.id })}
                  >
                    Cancel
                  </Button>
                )}
                <Button asChild size="sm" variant="quiet">
                  <Link href={`/admin/servers/${server.id}/deployments/${deployment.id}`}>
                    With its log
                    <ArrowRight aria-hidden />
                  </Link>
                </Button>
              </>
            )}
          </>
        }
      />
      <div className="grid gap-5 px-4 py-4 sm:px-5">
        <DeploymentFailure deployment={deployment} />
        {ended && server.desired !== 'deleted' ? (
          <div className="flex flex-wrap gap-2">
            <Button
              variant="primary"
              busy={redeploy.isPending}
              onClick={() => redeploy.mutate({ id: server.id, number: deployment.revisionNumber })}
            >
              {redeploy.isPending ? null : <RotateCw aria-hidden />}
              Try again
            </Button>
            <Button asChild>
              <Link href={`/admin/servers/${server.id}/edit`}>
                <Pencil aria-hidden />
                Edit configuration
              </Link>
            </Button>
          </div>
        ) : null}
        <DeploymentProgress deployment={deployment} />
      </div>
    </Card>
  )
}
