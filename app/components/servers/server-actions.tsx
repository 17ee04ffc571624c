'use client'

import { CirclePause, EllipsisVertical, Pencil, Play, Rocket, RotateCw, Trash2 } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { toast } from 'sonner'
import { isEnded } from '#app/components/servers/server-state.tsx'
import { useRedeploy } from '#app/components/servers/use-redeploy.ts'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { plural } from '#app/components/ui/format.ts'
import { Menu, MenuItem } from '#app/components/ui/menu.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ServerDetail } from '#contracts/servers.ts'

type Asking = 'stop' | 'restart' | 'redeploy' | 'delete' | null

/** Start, stop, restart, edit, redeploy, delete: what the server's state allows. */
export function ServerActions({ server }: { server: ServerDetail }) {
  const [asking, setAsking] = useState<Asking>(null)
  const utils = trpc.useUtils()
  const router = useRouter()
  const refresh = () =>
    Promise.all([utils.servers.get.invalidate({ id: server.id }), utils.servers.list.invalidate()])
  const onError = (error: unknown) => {
    const failure = readFailure(error)
    toast.error(failure.text, { description: failure.action })
    void refresh()
  }
  const start = trpc.servers.start.useMutation({ onSuccess: refresh, onError })
  const restart = trpc.servers.restart.useMutation({
    onSuccess: () => {
      setAsking(null)
      toast.success(`${server.name} restarts`)
      return refresh()
    },
    onError: refresh,
  })
  const redeploy = useRedeploy(server.id, { quiet: true })
  const stop = trpc.servers.stop.useMutation({
    onSuccess: () => {
      setAsking(null)
      return refresh()
    },
    onError: refresh,
  })
  const remove = trpc.servers.delete.useMutation({
    onSuccess: () => {
      toast.success(`${server.name} is being deleted`)
      void utils.servers.list.invalidate()
      router.push('/admin/servers')
    },
  })
  const open = (what: Exclude<Asking, null>) => {
    stop.reset()
    remove.reset()
    restart.reset()
    redeploy.reset()
    setAsking(what)
  }
  if (server.desired === 'deleted') return null
  const stopped = server.desired === 'stopped'
  // What never went live has nothing to start or stop: its deployment is cancelled, or it is deleted.
  const everLive = server.deployments.some((deployment) => deployment.state === 'live')
  const deploying = server.deployments.some(({ state }) => !isEnded(state))
  const users = server.connectionCount
  return (
    <>
      {!everLive ? (
        <Button variant="danger-quiet" onClick={() => open('delete')}>
          <Trash2 aria-hidden />
          Delete
        </Button>
      ) : stopped ? (
        <Button variant="primary" busy={start.isPending} onClick={() => start.mutate({ id: server.id })}>
          <Play aria-hidden />
          Start
        </Button>
      ) : (
        <Button disabled={deploying} onClick={() => open('stop')}>
          <CirclePause aria-hidden />
          Stop
        </Button>
      )}
      {everLive ? (
        <Menu
          trigger={
            <Button size="icon" aria-label="More actions">
              <EllipsisVertical aria-hidden />
            </Button>
          }
        >
          <MenuItem
            disabled={server.state !== 'running' && server.state !== 'degraded'}
            onSelect={() => open('restart')}
          >
            <RotateCw aria-hidden />
            Restart
          </MenuItem>
          <MenuItem disabled={deploying} onSelect={() => router.push(`/admin/servers/${server.id}/edit`)}>
            <Pencil aria-hidden />
            Edit configuration
          </MenuItem>
          <MenuItem disabled={deploying} onSelect={() => open('redeploy')}>
            <Rocket aria-hidden />
            Redeploy
          </MenuItem>
          <MenuItem danger onSelect={() => open('delete')}>
            <Trash2 aria-hidden />
            Delete
          </MenuItem>
        </Menu>
      ) : null}
      <ConfirmDialog
        open={asking === 'stop'}
        onOpenChange={() => setAsking(null)}
        title={`Stop ${server.name}?`}
        confirm="Stop server"
        danger={false}
        busy={stop.isPending}
        error={stop.error}
        onConfirm={() => stop.mutate({ id: server.id })}
      >
        {users > 0
          ? `${plural(users, 'connection')} of agents to it will fail until it is started again.`
          : 'No agent is connected to it. It can be started again at any time.'}
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'restart'}
        onOpenChange={() => setAsking(null)}
        title={`Restart ${server.name}?`}
        confirm="Restart server"
        danger={false}
        busy={restart.isPending}
        error={restart.error}
        onConfirm={() => restart.mutate({ id: server.id })}
      >
        Its process ends and is started again; calls that are under way fail
        {users > 0 ? `, of ${plural(users, 'connection')} of agents` : ''}.
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'redeploy'}
        onOpenChange={() => setAsking(null)}
        title={`Redeploy ${server.name}?`}
        confirm="Redeploy server"
        danger={false}
        busy={redeploy.isPending}
        error={redeploy.error}
        onConfirm={() =>
          redeploy.mutate(
            { id: server.id },
            {
              onSuccess: ({ deploymentId }) =>
                router.push(`/admin/servers/${server.id}/deployments/${deploymentId}`),
            },
          )
        }
      >
        Revision {server.revision?.number} is fetched and started once more
        {server.state === 'running' ? '; what serves goes on until the new one has answered' : ''}.
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'delete'}
        onOpenChange={() => setAsking(null)}
        title={`Delete ${server.name}?`}
        confirm="Delete server"
        typeName={server.name}
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({ id: server.id, confirmName: server.name })}
      >
        Its process, its files and its secrets are removed from the toolbox
        {users > 0 ? `, and ${plural(users, 'connection')} of agents to it end` : ''}. This cannot be undone.
      </ConfirmDialog>
    </>
  )
}
