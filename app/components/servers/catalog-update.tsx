'use client'

import { CircleArrowUp } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { ChangeList } from '#app/components/servers/change-list.tsx'
import { changesBetween } from '#app/components/servers/changes.ts'
import { revisionValues } from '#app/components/servers/deploy-values.ts'
import { isEnded } from '#app/components/servers/server-state.tsx'
import { unansweredOf, updatedValues } from '#app/components/servers/wizard/updated-values.ts'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { CatalogRelease } from '#contracts/catalog.ts'
import type { CatalogOrigin, RevisionView, ServerDetail } from '#contracts/servers.ts'

interface OfferProps {
  server: ServerDetail
  revision: RevisionView
  origin: CatalogOrigin
  release: CatalogRelease
}

function Offer({ server, revision, origin, release }: OfferProps) {
  const [asking, setAsking] = useState(false)
  const router = useRouter()
  const utils = trpc.useUtils()
  const update = trpc.servers.update.useMutation({
    onSuccess: ({ deployment }) => {
      void utils.servers.get.invalidate({ id: server.id })
      setAsking(false)
      if (deployment) router.push(`/admin/servers/${server.id}/deployments/${deployment.deploymentId}`)
    },
    onError: () => utils.servers.get.invalidate({ id: server.id }),
  })
  const missing = unansweredOf(release, revision, origin)
  const before = revisionValues(revision)
  return (
    <div className="mb-6 flex flex-wrap items-center gap-x-4 gap-y-2 rounded-xl border border-info/35 bg-info-soft px-4 py-3 text-sm">
      <CircleArrowUp aria-hidden className="size-5 shrink-0 text-info" />
      <p className="min-w-0 flex-1 basis-56">
        The catalog has version {release.version} of {origin.slug}; this server was made from {origin.version}
        .
        {missing.length > 0
          ? ` That version asks for ${missing.join(', ')}: add it under Edit configuration first.`
          : ''}
      </p>
      {missing.length > 0 ? null : (
        <Button
          size="sm"
          disabled={server.deployments.some(({ state }) => !isEnded(state))}
          onClick={() => {
            update.reset()
            setAsking(true)
          }}
        >
          Review the update
        </Button>
      )}
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Update ${server.name} to ${release.version}?`}
        confirm="Deploy update"
        danger={false}
        busy={update.isPending}
        error={update.error}
        onConfirm={() =>
          update.mutate({
            id: server.id,
            baseRevision: revision.number,
            source: { type: 'catalog', slug: origin.slug, version: release.version },
          })
        }
      >
        <div className="grid gap-3">
          <ChangeList changes={changesBetween(before, updatedValues(before, release, origin))} />
          <p>
            The new revision takes over once it has answered a real MCP handshake; if it fails, the one that
            serves goes on.
          </p>
        </div>
      </ConfirmDialog>
    </div>
  )
}

/** Offers the newest release of the catalog entry that a server was made from, when that is another one. */
export function CatalogUpdate({ server }: { server: ServerDetail }) {
  const { revision } = server
  const origin = revision?.catalog ?? null
  const entry = trpc.catalog.get.useQuery(
    { slug: origin?.slug ?? '' },
    { enabled: origin !== null && server.desired !== 'deleted', retry: false },
  )
  const newest = entry.data?.releases[0]
  if (!revision || !origin || !newest || newest.version === origin.version) return null
  return <Offer server={server} revision={revision} origin={origin} release={newest} />
}
