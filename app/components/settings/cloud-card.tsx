'use client'

import { Cloud } from 'lucide-react'
import { useState } from 'react'
import { CloudTokenForm } from '#app/components/toolboxes/cloud-token-form.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { trpc } from '#app/trpc/client.ts'

const WORDS = {
  stored: 'A token is stored.',
  file: 'The token comes from the file that DIGITALOCEAN_TOKEN_FILE names.',
  none: 'No token: droplets cannot be made.',
}

/** The account that toolboxes on droplets are made in. */
export function CloudCard() {
  const [entering, setEntering] = useState(false)
  const [removing, setRemoving] = useState(false)
  const utils = trpc.useUtils()
  const status = trpc.cloud.status.useQuery()
  const remove = trpc.cloud.removeToken.useMutation({
    onSuccess: async (next) => {
      setRemoving(false)
      utils.cloud.status.setData(undefined, next)
      await utils.toolboxes.options.invalidate()
    },
  })
  return (
    <Card aria-label="DigitalOcean">
      <CardHeader title="DigitalOcean" hint="Where toolboxes on droplets are made." />
      <div className="px-4 py-4 text-sm sm:px-5">
        <QueryView query={status} loading={<Skeleton className="h-9" />}>
          {({ tokenSource }) => (
            <div className="flex flex-wrap items-center gap-2">
              <p className="flex min-w-0 flex-1 basis-52 items-center gap-2.5 text-muted">
                <Cloud aria-hidden className="size-4 shrink-0" />
                {WORDS[tokenSource ?? 'none']}
              </p>
              {tokenSource === 'file' ? null : (
                <Button size="sm" onClick={() => setEntering(true)}>
                  {tokenSource ? 'Replace token' : 'Add token'}
                </Button>
              )}
              {tokenSource === 'stored' ? (
                <Button
                  size="sm"
                  variant="danger-quiet"
                  onClick={() => {
                    remove.reset()
                    setRemoving(true)
                  }}
                >
                  Remove token
                </Button>
              ) : null}
            </div>
          )}
        </QueryView>
      </div>
      {entering ? (
        <Dialog open onOpenChange={() => setEntering(false)} title="Token for DigitalOcean">
          <CloudTokenForm onSaved={() => setEntering(false)} />
        </Dialog>
      ) : null}
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title="Remove the token for DigitalOcean?"
        confirm="Remove token"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        Droplets can be neither made nor destroyed without it, so none may be left.
      </ConfirmDialog>
    </Card>
  )
}
