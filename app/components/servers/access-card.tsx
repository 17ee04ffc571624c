'use client'

import { UserMinus } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ServerDetail } from '#contracts/servers.ts'

function Grants({ server }: { server: ServerDetail }) {
  const [userId, setUserId] = useState('')
  const users = trpc.users.list.useQuery()
  const utils = trpc.useUtils()
  const options = {
    onSuccess: () => utils.servers.get.invalidate({ id: server.id }),
    onError: (error: unknown) => {
      const failure = readFailure(error)
      toast.error(failure.text, { description: failure.action })
    },
  }
  const grant = trpc.servers.grant.useMutation(options)
  const revoke = trpc.servers.revoke.useMutation(options)
  const granted = new Set(server.grants.map((one) => one.userId))
  const others = (users.data ?? []).filter((user) => user.role === 'USER' && !granted.has(user.id))
  return (
    <div className="grid gap-3 px-4 py-4 sm:px-5">
      {server.grants.length === 0 ? (
        <p className="text-sm text-muted">Granted to nobody yet: only admins see it.</p>
      ) : (
        <ul aria-label="Granted to" className="grid gap-1">
          {server.grants.map((one) => (
            <li key={one.userId} className="flex items-center gap-3 text-sm">
              <span className="min-w-0 flex-1 truncate">{one.email}</span>
              <Button
                size="sm"
                variant="danger-quiet"
                aria-label={`Revoke from ${one.email}`}
                busy={revoke.isPending && revoke.variables.userId === one.userId}
                onClick={() => revoke.mutate({ id: server.id, userId: one.userId })}
              >
                <UserMinus aria-hidden />
                Revoke
              </Button>
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 ? (
        <div className="flex flex-wrap gap-2 border-t border-line pt-3">
          <Select
            aria-label="User"
            className="max-w-xs flex-1"
            value={userId}
            onValueChange={setUserId}
            options={others.map((user) => ({ value: user.id, label: user.email }))}
          />
          <Button
            disabled={!others.some((user) => user.id === userId)}
            busy={grant.isPending}
            onClick={() => grant.mutate({ id: server.id, userId }, { onSuccess: () => setUserId('') })}
          >
            Grant
          </Button>
        </div>
      ) : null}
    </div>
  )
}

/** Who may connect agents to the server. */
export function AccessCard({ server }: { server: ServerDetail }) {
  return (
    <Card>
      <CardHeader
        title="Access"
        hint={
          server.visibility === 'everyone'
            ? 'Every user of this installation may use it.'
            : 'Restricted: only the users below may use it. Losing the grant ends their connections.'
        }
      />
      {server.visibility === 'restricted' ? <Grants server={server} /> : null}
    </Card>
  )
}
