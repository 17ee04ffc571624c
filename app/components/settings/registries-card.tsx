'use client'

import { Container, Plus } from 'lucide-react'
import { useState } from 'react'
import { RegistryDialog } from '#app/components/settings/registry-dialog.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { Registry } from '#contracts/registries.ts'

const servers = (count: number) => (count === 1 ? '1 server' : `${count} servers`)

/** Credentials of private registries. What is entered is never shown again, only replaced or removed. */
export function RegistriesCard() {
  const [entering, setEntering] = useState<{ registry: Registry | null } | null>(null)
  const [removing, setRemoving] = useState<Registry | null>(null)
  const registries = trpc.registries.list.useQuery()
  const utils = trpc.useUtils()
  const remove = trpc.registries.delete.useMutation({
    onSuccess: () => {
      setRemoving(null)
      return utils.registries.list.invalidate()
    },
  })
  return (
    <Card aria-label="Image registries">
      <CardHeader
        title="Image registries"
        hint="Credentials for private container images, used by every toolbox."
        actions={
          <Button size="sm" onClick={() => setEntering({ registry: null })}>
            <Plus aria-hidden />
            Add credentials
          </Button>
        }
      />
      <div className="px-4 py-2 sm:px-5">
        <QueryView query={registries} loading={<Skeleton className="my-2 h-10" />}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="flex items-center gap-2.5 py-3 text-sm text-muted">
                <Container aria-hidden className="size-4 shrink-0" />
                None. Images of public registries need none.
              </p>
            ) : (
              <ul className="divide-y divide-line">
                {items.map((registry) => (
                  <li
                    key={registry.id}
                    className="flex flex-wrap items-center gap-x-2 gap-y-1.5 py-3 text-sm"
                  >
                    <div className="min-w-0 flex-1 basis-52">
                      <p className="font-medium break-all">{registry.host}</p>
                      <p className="text-[0.8125rem] break-words text-muted">
                        as {registry.username}, {servers(registry.serverCount)}, set{' '}
                        <RelativeTime at={registry.updatedAt} />
                      </p>
                    </div>
                    <Button
                      size="sm"
                      aria-label={`Replace credentials of ${registry.host}`}
                      onClick={() => setEntering({ registry })}
                    >
                      Replace
                    </Button>
                    <Button
                      size="sm"
                      variant="danger-quiet"
                      aria-label={`Remove credentials of ${registry.host}`}
                      onClick={() => {
                        remove.reset()
                        setRemoving(registry)
                      }}
                    >
                      Remove
                    </Button>
                  </li>
                ))}
              </ul>
            )
          }
        </QueryView>
      </div>
      {entering ? <RegistryDialog registry={entering.registry} onClose={() => setEntering(null)} /> : null}
      <ConfirmDialog
        open={removing !== null}
        onOpenChange={() => setRemoving(null)}
        title={`Remove the credentials of ${removing?.host ?? 'the registry'}?`}
        confirm="Remove credentials"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => removing && remove.mutate({ id: removing.id })}
      >
        {removing && removing.serverCount > 0
          ? `${servers(removing.serverCount)} run images of it. They go on, but private ones cannot be pulled again.`
          : 'Its private images cannot be pulled any more.'}
      </ConfirmDialog>
    </Card>
  )
}
