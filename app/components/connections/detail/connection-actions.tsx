'use client'

import { RotateCw, Unplug } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { toast } from 'sonner'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { plural } from '#app/components/ui/format.ts'
import { trpc } from '#app/trpc/client.ts'
import { describeFailure, readFailure } from '#app/trpc/failure.ts'
import type { ConnectionDetail } from '#contracts/agents.ts'

export function ConnectionActions({ connection }: { connection: ConnectionDetail }) {
  const [asking, setAsking] = useState(false)
  const router = useRouter()
  const utils = trpc.useUtils()
  const callable = connection.tools.filter(({ exposedName }) => exposedName !== null).length
  const disconnect = trpc.connections.disconnect.useMutation({
    onSuccess: () => {
      toast.success(`${connection.server.name} was disconnected`)
      router.push(`/agents/${connection.agentId}`)
      return Promise.all([utils.connections.invalidate(), utils.agents.invalidate()])
    },
  })
  const retest = trpc.connections.retest.useMutation({
    onSuccess: (detail) => {
      utils.connections.get.setData({ id: detail.id }, detail)
      if (detail.failure) toast.error(describeFailure(detail.failure).text)
      else toast.success(`${detail.server.name} answered`)
    },
    onError: (error) => toast.error(readFailure(error).text),
  })
  return (
    <>
      <Button busy={retest.isPending} onClick={() => retest.mutate({ id: connection.id })}>
        {retest.isPending ? null : <RotateCw aria-hidden />}
        Test now
      </Button>
      <Button
        variant="danger-quiet"
        onClick={() => {
          disconnect.reset()
          setAsking(true)
        }}
      >
        <Unplug aria-hidden />
        Disconnect
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Disconnect ${connection.server.name}?`}
        confirm="Disconnect"
        busy={disconnect.isPending}
        error={disconnect.error}
        onConfirm={() => disconnect.mutate({ id: connection.id })}
      >
        {callable === 0
          ? 'Its credentials and settings end with it.'
          : `Its ${plural(callable, 'tool')} ${callable === 1 ? 'disappears' : 'disappear'} from this agent at once, and its credentials and settings end with it.`}{' '}
        Its history stays, and you can connect it again at any time.
      </ConfirmDialog>
    </>
  )
}
