'use client'

import { EllipsisVertical, ExternalLink, Pencil, Rocket, Trash2, Upload } from 'lucide-react'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { toast } from 'sonner'
import { EntryIcon } from '#app/components/catalog/entry-icon.tsx'
import { ExportMenu } from '#app/components/catalog/export-menu.tsx'
import { ReleaseDetail } from '#app/components/catalog/release-detail.tsx'
import { ServerStateBadge } from '#app/components/servers/server-state.tsx'
import { Badge } from '#app/components/ui/badge.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { ConfirmDialog } from '#app/components/ui/confirm-dialog.tsx'
import { Facts } from '#app/components/ui/facts.tsx'
import { plural } from '#app/components/ui/format.ts'
import { Menu, MenuItem } from '#app/components/ui/menu.tsx'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { CatalogEntryGet } from '#contracts/catalog.ts'

const ORIGINS = {
  seed: 'Comes with Toolberth',
  imported: 'Imported',
  created: 'Added by an admin',
} as const

function DeleteEntry({
  entry,
  open,
  onOpenChange,
}: {
  entry: CatalogEntryGet
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  const router = useRouter()
  const utils = trpc.useUtils()
  const remove = trpc.catalog.delete.useMutation({
    onSuccess: () => {
      toast.success(`${entry.title} was deleted from the catalog`)
      void utils.catalog.list.invalidate()
      router.push('/admin/catalog')
    },
  })
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Delete ${entry.title} from the catalog?`}
      confirm="Delete"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ id: entry.id })}
    >
      {entry.servers.length > 0
        ? `${plural(entry.servers.length, 'server')} deployed from it keep running as they are, and are offered no more updates.`
        : 'No server was deployed from it.'}
    </ConfirmDialog>
  )
}

function ServersOf({ entry }: { entry: CatalogEntryGet }) {
  const newest = entry.releases[0]?.version
  return (
    <Card aria-label="Servers deployed from this entry">
      <CardHeader title="Servers" hint={`${plural(entry.servers.length, 'server')} deployed from it`} />
      {entry.servers.length === 0 ? (
        <p className="px-4 py-4 text-sm text-muted sm:px-5">Nothing was deployed from this entry yet.</p>
      ) : (
        <ul className="divide-y divide-line">
          {entry.servers.map((server) => (
            <li
              key={server.id}
              className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3 text-sm sm:px-5"
            >
              <Link
                href={`/admin/servers/${server.id}`}
                className="min-w-0 rounded font-medium hover:underline"
              >
                {server.name}
              </Link>
              <span className="text-[0.8125rem] text-muted">{server.version}</span>
              {newest !== undefined && server.version !== newest ? (
                <Badge tone="info">{newest} available</Badge>
              ) : null}
              <span className="ml-auto">
                <ServerStateBadge state={server.state} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function Detail({ entry }: { entry: CatalogEntryGet }) {
  const [deleting, setDeleting] = useState(false)
  // None chosen: the newest, which may be another by the next look.
  const [version, setVersion] = useState<string | null>(null)
  const release = entry.releases.find((one) => one.version === version) ?? entry.releases[0]
  if (!release) return <NotFound />
  const query = release === entry.releases[0] ? '' : `&version=${encodeURIComponent(release.version)}`
  return (
    <>
      <PageHeader
        parent={{ href: '/admin/catalog', label: 'Catalog' }}
        title={
          <span className="flex items-center gap-3">
            <EntryIcon entry={entry} large />
            {entry.title}
          </span>
        }
        lead={entry.description}
        actions={
          <>
            <Button asChild variant="primary">
              <Link href={`/admin/servers/new?catalog=${entry.slug}${query}`}>
                <Rocket aria-hidden />
                Deploy
              </Link>
            </Button>
            <Button asChild>
              <Link href={`/admin/catalog/${entry.slug}/edit`}>
                <Pencil aria-hidden />
                Edit
              </Link>
            </Button>
            <ExportMenu
              ids={[entry.id]}
              label="Export as"
              trigger={
                <Button>
                  <Upload aria-hidden />
                  Export
                </Button>
              }
            />
            <Menu
              trigger={
                <Button size="icon" aria-label="More actions">
                  <EllipsisVertical aria-hidden />
                </Button>
              }
            >
              <MenuItem danger onSelect={() => setDeleting(true)}>
                <Trash2 aria-hidden />
                Delete
              </MenuItem>
            </Menu>
          </>
        }
      />
      <div className="grid gap-5">
        <Card>
          <CardHeader
            title={`Version ${release.version}`}
            hint={
              release === entry.releases[0]
                ? 'The newest: what is deployed unless another is chosen'
                : undefined
            }
            actions={
              entry.releases.length > 1 ? (
                <Select
                  aria-label="Version"
                  className="w-44"
                  value={release.version}
                  onValueChange={setVersion}
                  options={entry.releases.map((one) => ({ value: one.version, label: one.version }))}
                />
              ) : null
            }
          />
          <ReleaseDetail release={release} />
        </Card>
        <ServersOf entry={entry} />
        <Card>
          <CardHeader title="About" />
          <Facts
            items={[
              [
                'Name',
                <code key="slug" className="font-mono text-[0.8125rem]">
                  {entry.slug}
                </code>,
              ],
              ['Publisher', entry.publisher],
              ['Categories', entry.categories.join(', ') || null],
              [
                'Documentation',
                entry.docsUrl ? (
                  <a
                    key="docs"
                    href={entry.docsUrl}
                    target="_blank"
                    rel="noreferrer"
                    className="inline-flex items-center gap-1 rounded break-all text-primary hover:underline"
                  >
                    {entry.docsUrl}
                    <ExternalLink aria-label="(opens in a new tab)" className="size-3.5 shrink-0" />
                  </a>
                ) : null,
              ],
              ['Origin', ORIGINS[entry.origin]],
              ['Changed', <RelativeTime key="changed" at={entry.updatedAt} />],
            ]}
          />
        </Card>
      </div>
      <DeleteEntry entry={entry} open={deleting} onOpenChange={setDeleting} />
    </>
  )
}

export function EntryDetailScreen({ slug }: { slug: string }) {
  const entry = trpc.catalog.get.useQuery({ slug })
  usePageTitle(entry.data?.title)
  const code = entry.error ? readFailure(entry.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST') return <NotFound />
  return (
    <QueryView query={entry} loading={<PageSkeleton />}>
      {(data) => <Detail key={data.id} entry={data} />}
    </QueryView>
  )
}
