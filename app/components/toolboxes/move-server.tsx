'use client'

import { ArrowRightLeft } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import type { ToolboxServer } from '#app/components/toolboxes/types.ts'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { formatBytes } from '#app/components/ui/format.ts'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'

const MIB = 1024 * 1024

/** Moves one server to another toolbox: it serves where it is until the new instance is live. */
export function MoveServer({ server, toolboxId }: { server: ToolboxServer; toolboxId: string }) {
  const [asking, setAsking] = useState(false)
  const [target, setTarget] = useState('')
  const utils = trpc.useUtils()
  const toolboxes = trpc.toolboxes.list.useQuery(undefined, { enabled: asking })
  const others = (toolboxes.data?.items ?? []).filter(
    ({ id, state }) => id !== toolboxId && state === 'active',
  )
  const chosen = others.find(({ id }) => id === target) ?? others[0]
  const move = trpc.servers.redeploy.useMutation({
    onSuccess: () => {
      setAsking(false)
      toast.success(`${server.name} is being deployed to ${chosen?.name}`)
      return Promise.all([utils.toolboxes.get.invalidate({ id: toolboxId }), utils.servers.list.invalidate()])
    },
  })
  return (
    <>
      <Button
        size="sm"
        onClick={() => {
          move.reset()
          setAsking(true)
        }}
        aria-label={`Move ${server.name}`}
      >
        <ArrowRightLeft aria-hidden />
        Move
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Move ${server.name}`}
        confirm="Move server"
        danger={false}
        busy={move.isPending}
        error={move.error}
        onConfirm={() => {
          if (chosen) move.mutate({ id: server.id, toolboxId: chosen.id })
        }}
      >
        {chosen ? (
          <div className="grid gap-4">
            <p>
              It goes on serving here until it is live there. If it does not become live, it stays here, and
              its page says why.
            </p>
            <Field label="To">
              {(control) => (
                <Select
                  id={control.id}
                  value={chosen.id}
                  onValueChange={setTarget}
                  options={others.map(({ id, name, room }) => ({
                    value: id,
                    label: name,
                    hint: room ? `${formatBytes(room.memoryMb * MIB)} of memory left` : undefined,
                  }))}
                />
              )}
            </Field>
          </div>
        ) : toolboxes.isPending ? (
          <p>Looking for other toolboxes.</p>
        ) : (
          <p>There is no other active toolbox. Add one first.</p>
        )}
      </ConfirmDialog>
    </>
  )
}
