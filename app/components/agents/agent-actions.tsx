'use client'

import { EllipsisVertical, Pencil, RotateCcwKey, Trash2 } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { toast } from 'sonner'
import { useAgentTokens } from '#app/components/agents/agent-tokens.tsx'
import { NameDialog } from '#app/components/agents/name-dialog.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Menu, MenuItem } from '#app/components/ui/menu.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { Agent } from '#contracts/agents.ts'

export type AgentDialog = 'rename' | 'rotate' | 'delete' | null

interface AgentActionsProps {
  agent: Agent
  dialog: AgentDialog
  onDialog: (dialog: AgentDialog) => void
  /** After a rotation: the new token is shown where clients are set up. */
  onRotated: () => void
}

const OVERLAPS = [0, 15, 60, 1440] as const
const OVERLAP_WORDS = { 0: 'at once', 15: 'in 15 minutes', 60: 'in 1 hour', 1440: 'in 24 hours' } as const

/** Rename, rotate the token, delete. */
export function AgentActions({ agent, dialog, onDialog, onRotated }: AgentActionsProps) {
  const utils = trpc.useUtils()
  const router = useRouter()
  const { remember } = useAgentTokens()
  const [overlap, setOverlap] = useState<(typeof OVERLAPS)[number]>(0)
  const refresh = () =>
    Promise.all([utils.agents.get.invalidate({ id: agent.id }), utils.agents.list.invalidate()])
  const rename = trpc.agents.update.useMutation({
    onSuccess: () => {
      onDialog(null)
      return refresh()
    },
  })
  const rotate = trpc.agents.rotateToken.useMutation({
    onSuccess: ({ token }) => {
      remember(agent.id, token)
      onDialog(null)
      onRotated()
      toast.success('The token was rotated. Copy the new one now.')
      return refresh()
    },
  })
  const remove = trpc.agents.delete.useMutation({
    onSuccess: () => {
      toast.success(`${agent.name} was deleted`)
      void utils.agents.list.invalidate()
      router.push('/agents')
    },
  })
  const close = () => onDialog(null)
  const open = (next: AgentDialog) => {
    for (const mutation of [rename, rotate, remove]) mutation.reset()
    onDialog(next)
  }
  return (
    <>
      <Menu
        trigger={
          <Button size="icon" aria-label="More actions">
            <EllipsisVertical aria-hidden />
          </Button>
        }
      >
        <MenuItem onSelect={() => open('rename')}>
          <Pencil aria-hidden />
          Rename
        </MenuItem>
        <MenuItem onSelect={() => open('rotate')}>
          <RotateCcwKey aria-hidden />
          Rotate token
        </MenuItem>
        <MenuItem danger onSelect={() => open('delete')}>
          <Trash2 aria-hidden />
          Delete
        </MenuItem>
      </Menu>
      {dialog === 'rename' ? (
        <NameDialog
          title="Rename the agent"
          submit="Rename"
          name={agent.name}
          busy={rename.isPending}
          error={rename.error}
          onSubmit={(name) => rename.mutate({ id: agent.id, name })}
          onClose={close}
        />
      ) : null}
      <ConfirmDialog
        open={dialog === 'rotate'}
        onOpenChange={close}
        title={`Rotate the token of ${agent.name}?`}
        confirm="Rotate token"
        busy={rotate.isPending}
        error={rotate.error}
        onConfirm={() => rotate.mutate({ id: agent.id, overlapMinutes: overlap })}
      >
        <p>Clients have to be given the new token; it is shown once.</p>
        <Field label="The present token stops working" className="mt-3 text-ink">
          {(control) => (
            <Select
              {...control}
              value={String(overlap)}
              onValueChange={(value) => setOverlap(OVERLAPS.find((one) => String(one) === value) ?? 0)}
              options={OVERLAPS.map((minutes) => ({ value: String(minutes), label: OVERLAP_WORDS[minutes] }))}
            />
          )}
        </Field>
      </ConfirmDialog>
      <ConfirmDialog
        open={dialog === 'delete'}
        onOpenChange={close}
        title={`Delete ${agent.name}?`}
        confirm="Delete agent"
        typeName={agent.name}
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({ id: agent.id })}
      >
        Its connections end and its token stops working. This cannot be undone.
      </ConfirmDialog>
    </>
  )
}
