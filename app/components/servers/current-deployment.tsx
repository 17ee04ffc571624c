'use client'

import { toast } from 'sonner'
import { DeploymentFailure } from '#app/components/servers/deployment-failure.tsx'
import { DeploymentProgress } from '#app/components/servers/deployment-progress.tsx'
import { DeploymentStateBadge, isEnded } from '#app/components/servers/server-state.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { Deployment } from '#contracts/servers.ts'

/** The deployment that goes on, or the one that ended badly; a live one is history and not shown. */
export function CurrentDeployment({ deployment }: { deployment: Deployment | undefined }) {
  const utils = trpc.useUtils()
  const cancel = trpc.servers.cancel.useMutation({
    onSuccess: () => deployment && utils.servers.get.invalidate({ id: deployment.serverId }),
    onError: (error) => {
      const failure = readFailure(error)
      toast.error(failure.text, { description: failure.action })
    },
  })
  if (!deployment || deployment.state === 'live') return null
  const ended = isEnded(deployment.state)
  return (
    <Card aria-label="Current deployment" className="mb-6">
      <CardHeader
        title={`Deployment of revision ${deployment.revisionNumber}`}
        actions={
          <>
            <DeploymentStateBadge state={deployment.state} />
            {ended ? null : (
              <Button size="sm" busy={cancel.isPending} onClick={() => cancel.mutate({ id: deployment.id })}>
                Cancel
              </Button>
            )}
          </>
        }
      />
      <div className="grid gap-5 px-4 py-4 sm:px-5">
        <DeploymentFailure deployment={deployment} />
        <DeploymentProgress deployment={deployment} />
      </div>
    </Card>
  )
}
