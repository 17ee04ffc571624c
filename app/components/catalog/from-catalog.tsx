'use client'

import { ArrowUp } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { toast } from 'sonner'
import { sourceText } from '#app/components/servers/source-text.ts'
import { Button } from '#app/components/ui/button.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { CatalogRelease } from '#contracts/catalog.ts'
import type { RevisionView, ServerDetail } from '#contracts/servers.ts'

/** What an update would change, and what it needs that the server has not been given. */
function changesOf(
  revision: RevisionView,
  release: CatalogRelease,
): { changed: string[]; missing: string[] } {
  const given = new Set(revision.env.map(({ name }) => name))
  const added = release.variables.filter(({ name }) => !given.has(name))
  const [before, after] = [sourceText(revision.source), sourceText(release.source)]
  return {
    changed: [
      ...(before === after ? [] : [`${before} becomes ${after}`]),
      ...added.flatMap((one) => (one.default === undefined ? [] : [`${one.name} becomes ${one.default}`])),
    ],
    missing: added.filter((one) => one.required && one.default === undefined).map(({ name }) => name),
  }
}

function UpdateDialog({
  server,
  revision,
  release,
  onClose,
}: {
  server: ServerDetail
  revision: RevisionView
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
  const { changed } = changesOf(revision, release)
  const fields = update.error ? Object.entries(readFailure(update.error).fields) : []
  const slug = revision.catalog?.slug ?? ''
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
          source: { type: 'catalog', slug, version: release.version },
        })
      }
    >
      <p>
        It is deployed beside the version that serves, and takes over once it has answered. Variables and
        answers stay.
      </p>
      {changed.length > 0 ? (
        <ul className="mt-2 grid gap-1 font-mono text-[0.8125rem] break-all text-ink">
          {changed.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      ) : null}
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
  const missing = isNewer ? changesOf(revision, newest).missing : []
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
        <UpdateDialog server={server} revision={revision} release={newest} onClose={() => setAsking(false)} />
      ) : null}
    </span>
  )
}
