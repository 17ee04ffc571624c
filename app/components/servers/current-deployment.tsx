'use client'

import { Pencil, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { DeploymentFailure } from '#app/components/servers/deployment-failure.tsx'
import { DeploymentProgress } from '#app/components/servers/deployment-progress.tsx'
import { EditDialog } from '#app/components/servers/edit-dialog.tsx'
import { DeploymentStateBadge, isEnded } from '#app/components/servers/server-state.tsx'
import { useRedeploy } from '#app/components/servers/use-redeploy.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ServerDetail } from '#contracts/servers.ts'

/** The deployment that goes on, or the one that ended badly; a live one is history and not shown. */
export function CurrentDeployment({ server }: { server: ServerDetail }) {
  const deployment = server.deployments[0]
  const [editing, setEditing] = useState(false)
  const redeploy = useRedeploy(server.id)
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
              <Button size="sm" busy={cancel.isPending} onClick={() => cancel.mutate({ id: deployment.id })}>
                Cancel
              </Button>
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
            <Button onClick={() => setEditing(true)}>
              <Pencil aria-hidden />
              Edit configuration
            </Button>
          </div>
        ) : null}
        <DeploymentProgress deployment={deployment} />
      </div>
      <EditDialog open={editing} onClose={() => setEditing(false)} server={server} />
    </Card>
  )
}
