'use client'

import { CircleArrowUp, EllipsisVertical, KeyRound, PackageOpen, Play, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { EnrollmentDialog } from '#app/components/toolboxes/add-toolbox-dialog.tsx'
import { DeleteToolboxDialog } from '#app/components/toolboxes/delete-toolbox-dialog.tsx'
import type { ToolboxWithServers } from '#app/components/toolboxes/types.ts'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { plural } from '#app/components/ui/format.ts'
import { Menu, MenuItem } from '#app/components/ui/menu.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { Enrollment } from '#contracts/toolboxes.ts'

type Asking = 'drain' | 'upgrade' | 'enrol' | 'delete'

/** Drain, upgrade, enrol again, delete: what the toolbox's kind and state allow. */
export function ToolboxActions({ toolbox }: { toolbox: ToolboxWithServers }) {
  const [asking, setAsking] = useState<Asking | null>(null)
  const [enrollment, setEnrollment] = useState<Enrollment | null>(null)
  const utils = trpc.useUtils()
  const { id, name } = toolbox
  const refresh = () =>
    Promise.all([utils.toolboxes.get.invalidate({ id }), utils.toolboxes.list.invalidate()])
  const onSuccess = () => {
    setAsking(null)
    return refresh()
  }
  const drain = trpc.toolboxes.drain.useMutation({ onSuccess })
  const upgrade = trpc.toolboxes.upgrade.useMutation({ onSuccess })
  const renew = trpc.toolboxes.enrollment.useMutation({
    onSuccess: (made) => {
      setEnrollment(made)
      return onSuccess()
    },
  })
  const activate = trpc.toolboxes.activate.useMutation({
    onSuccess: refresh,
    onError: (error) => {
      const failure = readFailure(error)
      toast.error(failure.text, { description: failure.action })
    },
  })
  const open = (what: Asking) => {
    for (const mutation of [drain, upgrade, renew]) mutation.reset()
    setAsking(what)
  }
  if (toolbox.state === 'deleting') return null
  const local = toolbox.kind === 'local'
  const beingMade = toolbox.droplet !== null && toolbox.droplet.step !== 'ready'
  const close = () => setAsking(null)
  const docker = toolbox.driver === 'docker'
  return (
    <>
      {toolbox.draining ? (
        <Button variant="primary" busy={activate.isPending} onClick={() => activate.mutate({ id })}>
          <Play aria-hidden />
          Take servers again
        </Button>
      ) : beingMade ? null : (
        <Button onClick={() => open('drain')}>
          <PackageOpen aria-hidden />
          Drain
        </Button>
      )}
      {local ? null : (
        <Menu
          trigger={
            <Button size="icon" aria-label="More actions">
              <EllipsisVertical aria-hidden />
            </Button>
          }
        >
          <MenuItem disabled={!canUpgrade(toolbox)} onSelect={() => open('upgrade')}>
            <CircleArrowUp aria-hidden />
            Upgrade agent
          </MenuItem>
          <MenuItem disabled={beingMade} onSelect={() => open('enrol')}>
            <KeyRound aria-hidden />
            New install command
          </MenuItem>
          <MenuItem danger onSelect={() => open('delete')}>
            <Trash2 aria-hidden />
            Delete
          </MenuItem>
        </Menu>
      )}
      <ConfirmDialog
        open={asking === 'drain'}
        onOpenChange={close}
        title={`Drain ${name}?`}
        confirm="Drain toolbox"
        danger={false}
        busy={drain.isPending}
        error={drain.error}
        onConfirm={() => drain.mutate({ id })}
      >
        It takes no new servers.{' '}
        {toolbox.servers.length > 0
          ? `The ${plural(toolbox.servers.length, 'server')} on it stay and go on serving until you move or delete them.`
          : 'No server is on it.'}{' '}
        It can take servers again at any time.
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'upgrade'}
        onOpenChange={close}
        title={`Upgrade the agent of ${name}?`}
        confirm="Upgrade agent"
        danger={false}
        busy={upgrade.isPending}
        error={upgrade.error}
        onConfirm={() => upgrade.mutate({ id })}
      >
        It fetches agent {toolbox.newestAgentVersion} from here, checks it and restarts into it. If the new
        one is not accepted, the one before comes back.{' '}
        {toolbox.servers.length === 0
          ? 'No server is on it.'
          : docker
            ? 'Containers that serve HTTP keep running; those over stdio restart with the agent.'
            : `The ${plural(toolbox.servers.length, 'server')} on it restart with the agent, and calls under way fail.`}
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'enrol'}
        onOpenChange={close}
        title={`Make a new install command for ${name}?`}
        confirm="Make command"
        danger={false}
        busy={renew.isPending}
        error={renew.error}
        onConfirm={() => renew.mutate({ id })}
      >
        For a machine that has not enrolled yet, that lost its key, or that takes the place of the one there.
        Tokens made before that were not used are worthless from then on.
      </ConfirmDialog>
      {asking === 'delete' ? <DeleteToolboxDialog toolbox={toolbox} onClose={close} /> : null}
      {enrollment ? (
        <EnrollmentDialog enrollment={enrollment} name={name} onClose={() => setEnrollment(null)} />
      ) : null}
    </>
  )
}

/** Whether an upgrade would bring another agent than the one that runs. */
export function canUpgrade(toolbox: ToolboxWithServers): boolean {
  const reachable = toolbox.state === 'active' || toolbox.state === 'draining'
  const going = toolbox.upgrade !== null && toolbox.upgrade.state !== 'failed'
  return toolbox.upgradable && reachable && !going && toolbox.skew !== null && toolbox.skew !== 'same'
}
