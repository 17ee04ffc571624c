'use client'

import { CopyPlus } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { DeployDialog } from '#app/components/servers/deploy-dialog.tsx'
import { valuesOf } from '#app/components/servers/deploy-form.ts'
import { DeploymentFailure } from '#app/components/servers/deployment-failure.tsx'
import { DeploymentProgress } from '#app/components/servers/deployment-progress.tsx'
import { DeploymentStateBadge, isEnded } from '#app/components/servers/server-state.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ServerDetail } from '#contracts/servers.ts'

/** The deployment that goes on, or the one that ended badly; a live one is history and not shown. */
export function CurrentDeployment({ server }: { server: ServerDetail }) {
  const deployment = server.deployments[0]
  const [again, setAgain] = useState(false)
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
        {ended && server.revision?.source.type === 'npm' ? (
          <div>
            <Button onClick={() => setAgain(true)}>
              <CopyPlus aria-hidden />
              Deploy again with changes
            </Button>
          </div>
        ) : null}
        <DeploymentProgress deployment={deployment} />
      </div>
      <DeployDialog open={again} onClose={() => setAgain(false)} values={valuesOf(server)} />
    </Card>
  )
}
