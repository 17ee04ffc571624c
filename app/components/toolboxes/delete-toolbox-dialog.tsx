'use client'

import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { toast } from 'sonner'
import type { ToolboxWithServers } from '#app/components/toolboxes/types.ts'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { plural } from '#app/components/ui/format.ts'
import { trpc } from '#app/trpc/client.ts'

interface Props {
  toolbox: ToolboxWithServers
  onClose: () => void
}

/** Asks before a toolbox is deleted, naming the servers that would be lost with it. */
export function DeleteToolboxDialog({ toolbox, onClose }: Props) {
  const [force, setForce] = useState(false)
  const utils = trpc.useUtils()
  const router = useRouter()
  const remove = trpc.toolboxes.delete.useMutation({
    onSuccess: () => {
      toast.success(`${toolbox.name} is being deleted`)
      void utils.toolboxes.list.invalidate()
      void utils.servers.list.invalidate()
      router.push('/admin/toolboxes')
    },
  })
  const { servers } = toolbox
  const away = toolbox.state !== 'active' && toolbox.state !== 'draining'
  return (
    <ConfirmDialog
      open
      onOpenChange={onClose}
      title={`Delete ${toolbox.name}?`}
      confirm={force ? `Delete it and ${plural(servers.length, 'server')}` : 'Delete toolbox'}
      typeName={toolbox.name}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ id: toolbox.id, confirmName: toolbox.name, force })}
    >
      <div className="grid gap-3">
        {servers.length === 0 ? (
          <p>No server is on it. Its agent is not admitted any more; uninstall it on the machine.</p>
        ) : (
          <>
            <p>
              {plural(servers.length, 'server')} would be lost with it, with their files, data and secrets,
              and the connections of agents to them:
            </p>
            <ul className="max-h-40 overflow-y-auto rounded-lg border border-line px-3 py-2 text-ink">
              {servers.map((server) => (
                <li key={server.id}>
                  {server.name}
                  {server.movingTo ? `, on its way to ${server.movingTo.name}` : ''}
                </li>
              ))}
            </ul>
            <label className="flex items-start gap-2.5 text-ink">
              <input
                type="checkbox"
                checked={force}
                onChange={(event) => setForce(event.target.checked)}
                className="mt-1 size-4 accent-(--bad-solid)"
              />
              Delete these servers as well
            </label>
          </>
        )}
        {away ? (
          <p>
            It does not answer, so nothing on the machine can be stopped or removed now. If its agent comes
            back, it removes its servers itself once it is told that the toolbox was deleted.
          </p>
        ) : null}
      </div>
    </ConfirmDialog>
  )
}
