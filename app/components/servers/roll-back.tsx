'use client'

import { Undo2 } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { ServerDetail } from '#contracts/servers.ts'

/** Deploys a copy of an earlier revision, after asking. */
export function RollBack({
  server,
  number,
  disabled,
}: {
  server: ServerDetail
  number: number
  disabled: boolean
}) {
  const [asking, setAsking] = useState(false)
  const utils = trpc.useUtils()
  const rollback = trpc.servers.rollback.useMutation({
    onSuccess: ({ revisionNumber }) => {
      setAsking(false)
      toast.success(`Revision ${number} is being deployed again, as revision ${revisionNumber}`)
    },
    onSettled: () => utils.servers.get.invalidate({ id: server.id }),
  })
  const next = (server.revision?.number ?? number) + 1
  return (
    <div>
      <Button
        size="sm"
        disabled={disabled}
        onClick={() => {
          rollback.reset()
          setAsking(true)
        }}
      >
        <Undo2 aria-hidden />
        Roll back to this
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={() => setAsking(false)}
        title={`Roll ${server.name} back to revision ${number}?`}
        confirm="Roll back"
        danger={false}
        busy={rollback.isPending}
        error={rollback.error}
        onConfirm={() => rollback.mutate({ id: server.id, number })}
      >
        A copy of revision {number}, its secrets included, is deployed as revision {next}
        {server.state === 'running'
          ? ' beside the one that serves, which goes on until the copy is live'
          : ''}
        .
      </ConfirmDialog>
    </div>
  )
}
