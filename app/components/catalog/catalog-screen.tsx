'use client'

import { Download, LibraryBig, Plus, Search, Upload } from 'lucide-react'
import Link from 'next/link'
import { useDeferredValue, useState } from 'react'
import { EntryCard } from '#app/components/catalog/entry-card.tsx'
import { ExportMenu } from '#app/components/catalog/export-menu.tsx'
import { ImportDialog } from '#app/components/catalog/import-dialog.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { EmptyState } from '#app/components/ui/empty-state.tsx'
import { plural } from '#app/components/ui/format.ts'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { SearchInput } from '#app/components/ui/search-input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { CatalogList } from '#contracts/catalog.ts'

const ALL = 'all'

function Entries({
  list,
  onClear,
  onImport,
}: {
  list: CatalogList
  onClear: () => void
  onImport: () => void
}) {
  if (list.items.length > 0)
    return (
      <ul aria-label="Catalog entries" className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
        {list.items.map((entry) => (
          <EntryCard key={entry.id} entry={entry} />
        ))}
      </ul>
    )
  if (list.total > 0)
    return (
      <EmptyState
        icon={Search}
        title="No entry matches"
        action={<Button onClick={onClear}>Clear the filter</Button>}
      >
        <p>Not in the catalog yet? Import it from the MCP registry, or add it by hand.</p>
      </EmptyState>
    )
  return (
    <EmptyState
      icon={LibraryBig}
      title="The catalog is empty"
      action={
        <Button variant="primary" onClick={onImport}>
          <Download aria-hidden />
          Import servers
        </Button>
      }
    >
      <p>Import servers from the MCP registry or from the configuration of another client.</p>
    </EmptyState>
  )
}

/** What can be deployed with a few answers. */
export function CatalogScreen() {
  const [search, setSearch] = useState('')
  const [category, setCategory] = useState(ALL)
  const [importing, setImporting] = useState(false)
  const wanted = useDeferredValue(search.trim())
  const input = { ...(wanted && { search: wanted }), ...(category !== ALL && { category }) }
  const list = trpc.catalog.list.useQuery(input, { placeholderData: (previous) => previous })
  return (
    <>
      <PageHeader
        title="Catalog"
        lead="MCP servers that are ready to be deployed."
        actions={
          <>
            <Button onClick={() => setImporting(true)}>
              <Download aria-hidden />
              Import
            </Button>
            {list.data && list.data.items.length > 0 ? (
              <ExportMenu
                ids={list.data.items.map(({ id }) => id)}
                label={`${plural(list.data.items.length, 'entry', 'entries')} shown`}
                trigger={
                  <Button>
                    <Upload aria-hidden />
                    Export
                  </Button>
                }
              />
            ) : null}
            <Button asChild variant="primary">
              <Link href="/admin/catalog/new">
                <Plus aria-hidden />
                Add entry
              </Link>
            </Button>
          </>
        }
      />
      <div className="mb-4 flex flex-wrap gap-2">
        <SearchInput
          className="min-w-48 flex-1"
          aria-label="Search the catalog"
          placeholder="Search by name, package or what it does"
          maxLength={200}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <Select
          aria-label="Category"
          className="w-48"
          value={category}
          onValueChange={setCategory}
          options={[
            { value: ALL, label: 'All categories' },
            ...(list.data?.categories ?? []).map(({ name, count }) => ({
              value: name,
              label: `${name} (${count})`,
            })),
          ]}
        />
      </div>
      <p role="status" className="sr-only">
        {list.data ? `${plural(list.data.items.length, 'entry', 'entries')} shown` : ''}
      </p>
      <QueryView query={list}>
        {(data) => (
          <Entries
            list={data}
            onImport={() => setImporting(true)}
            onClear={() => {
              setSearch('')
              setCategory(ALL)
            }}
          />
        )}
      </QueryView>
      {importing ? <ImportDialog onClose={() => setImporting(false)} /> : null}
    </>
  )
}
