'use client'

import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import { CreateKeyDialog } from '#app/components/settings/create-key-dialog.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'

/** Keys for scripts, with what they are recognised by. */
export function ApiKeysCard() {
  const [creating, setCreating] = useState(false)
  const [revoking, setRevoking] = useState<{ id: string; name: string } | null>(null)
  const keys = trpc.apiKeys.list.useQuery()
  const utils = trpc.useUtils()
  const revoke = trpc.apiKeys.revoke.useMutation({
    onSuccess: () => {
      setRevoking(null)
      return utils.apiKeys.list.invalidate()
    },
  })
  return (
    <Card aria-label="API keys">
      <CardHeader
        title="API keys"
        hint="For scripts and the typed client. A key has your rights."
        actions={
          <Button size="sm" onClick={() => setCreating(true)}>
            <Plus aria-hidden />
            Create key
          </Button>
        }
      />
      <div className="px-4 py-2 sm:px-5">
        <QueryView query={keys} loading={<Skeleton className="my-2 h-10" />}>
          {(data) =>
            data.length === 0 ? (
              <p className="flex items-center gap-2.5 py-3 text-sm text-muted">
                <KeyRound aria-hidden className="size-4" />
                You have no keys.
              </p>
            ) : (
              <ul className="divide-y divide-line">
                {data.map((key) => {
                  const expired = key.expiresAt !== null && Date.parse(key.expiresAt) < Date.now()
                  return (
                    <li key={key.id} className="flex flex-wrap items-center gap-x-3 gap-y-1.5 py-3 text-sm">
                      <div className="min-w-0 flex-1 basis-52">
                        <p className="font-medium break-words">{key.name}</p>
                        <p className="text-[0.8125rem] text-muted">
                          <code className="font-mono">{key.prefix}…</code>,{' '}
                          {key.lastUsedAt ? (
                            <>
                              used <RelativeTime at={key.lastUsedAt} />
                            </>
                          ) : (
                            'never used'
                          )}
                          ,{' '}
                          {key.expiresAt ? (
                            <>
                              {expired ? 'expired' : 'expires'} <RelativeTime at={key.expiresAt} />
                            </>
                          ) : (
                            'never expires'
                          )}
                        </p>
                      </div>
                      {key.revokedAt ? (
                        <Badge tone="neutral">Revoked</Badge>
                      ) : (
                        <Button
                          size="sm"
                          variant="danger-quiet"
                          aria-label={`Revoke ${key.name}`}
                          onClick={() => {
                            revoke.reset()
                            setRevoking(key)
                          }}
                        >
                          Revoke
                        </Button>
                      )}
                    </li>
                  )
                })}
              </ul>
            )
          }
        </QueryView>
      </div>
      {creating ? <CreateKeyDialog onClose={() => setCreating(false)} /> : null}
      <ConfirmDialog
        open={revoking !== null}
        onOpenChange={() => setRevoking(null)}
        title={`Revoke ${revoking?.name ?? 'the key'}?`}
        confirm="Revoke key"
        busy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoking && revoke.mutate({ id: revoking.id })}
      >
        Whatever uses it is refused from then on. This cannot be undone.
      </ConfirmDialog>
    </Card>
  )
}
