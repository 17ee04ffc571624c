'use client'

import { ArrowUp } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { toast } from 'sonner'
import { ChangeList } from '#app/components/servers/change-list.tsx'
import { changesBetween } from '#app/components/servers/changes.ts'
import { revisionValues } from '#app/components/servers/deploy-values.ts'
import { unansweredOf, updatedValues } from '#app/components/servers/wizard/updated-values.ts'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { CatalogRelease } from '#contracts/catalog.ts'
import type { CatalogOrigin, RevisionView, ServerDetail } from '#contracts/servers.ts'

function UpdateDialog({
  server,
  revision,
  origin,
  release,
  onClose,
}: {
  server: ServerDetail
  revision: RevisionView
  origin: CatalogOrigin
  release: CatalogRelease
  onClose: () => void
}) {
  const utils = trpc.useUtils()
  const update = trpc.servers.update.useMutation({
    onSuccess: () => {
      toast.success(`${server.name} is being updated to ${release.version}`)
      void utils.servers.get.invalidate({ id: server.id })
      onClose()
    },
  })
  const before = revisionValues(revision)
  const changes = changesBetween(before, updatedValues(before, release, origin))
  const fields = update.error ? Object.entries(readFailure(update.error).fields) : []
  return (
    <ConfirmDialog
      open
      onOpenChange={onClose}
      title={`Update ${server.name} to ${release.version}?`}
      confirm="Update"
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
      <p>
        It is deployed beside the version that serves, and takes over once it has answered. Variables and
        answers stay.
      </p>
      <div className="mt-3">
        <ChangeList changes={changes} />
      </div>
      {fields.length > 0 ? (
        <ul className="mt-2 grid gap-1 text-bad">
          {fields.map(([field, [text]]) => (
            <li key={field}>
              {field}: {text}
            </li>
          ))}
        </ul>
      ) : null}
    </ConfirmDialog>
  )
}

/** Which entry and version a server was deployed from, and the newer one that the catalog has. */
export function FromCatalog({ server }: { server: ServerDetail }) {
  const [asking, setAsking] = useState(false)
  const { revision } = server
  const origin = revision?.catalog
  const entry = trpc.catalog.get.useQuery(
    { slug: origin?.slug ?? '' },
    { enabled: Boolean(origin), retry: false },
  )
  if (!revision || !origin) return null
  const newest = entry.data?.releases[0]
  const isNewer = newest !== undefined && newest.version !== origin.version
  const missing = isNewer ? unansweredOf(newest, revision, origin) : []
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
      <span>
        {entry.data ? (
          <Link href={`/admin/catalog/${origin.slug}`} className="rounded text-primary hover:underline">
            {entry.data.title}
          </Link>
        ) : (
          origin.slug
        )}{' '}
        {origin.version}
      </span>
      {isNewer && missing.length === 0 ? (
        <Button size="sm" onClick={() => setAsking(true)}>
          <ArrowUp aria-hidden />
          Update to {newest.version}
        </Button>
      ) : null}
      {missing.length > 0 ? (
        <span className="text-muted">
          {newest?.version} is there, and needs {missing.join(', ')}: add{' '}
          {missing.length === 1 ? 'it' : 'them'} under Edit first.
        </span>
      ) : null}
      {asking && isNewer ? (
        <UpdateDialog
          server={server}
          revision={revision}
          origin={origin}
          release={newest}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </span>
  )
}
