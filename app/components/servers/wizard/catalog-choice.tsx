'use client'

import { ExternalLink } from 'lucide-react'
import { useState } from 'react'
import type { UseFormReturn } from 'react-hook-form'
import { EntryIcon } from '#app/components/catalog/entry-icon.tsx'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { ChoiceCard } from '#app/components/servers/wizard/choice-card.tsx'
import { QuickDeploy } from '#app/components/servers/wizard/quick-deploy.tsx'
import { releaseValues, requiredOf } from '#app/components/servers/wizard/release-values.ts'
import { setValues } from '#app/components/servers/wizard/set-values.ts'
import { Field, FieldError } from '#app/components/ui/field.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { SearchInput } from '#app/components/ui/search-input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { CatalogEntry, CatalogRelease } from '#contracts/catalog.ts'

const matches = (entry: CatalogEntry, wanted: string): boolean =>
  [entry.title, entry.slug, entry.description, entry.publisher, ...entry.categories].some((text) =>
    text?.toLowerCase().includes(wanted),
  )

/** What one has to have at hand for it. */
function needs(release: CatalogRelease | undefined): string {
  const names = release ? requiredOf(release) : []
  return names.length === 0 ? 'Needs nothing else' : `Needs ${names.join(', ')}`
}

function Chosen({ form, entry }: { form: UseFormReturn<DeployValues>; entry: CatalogEntry }) {
  const version = form.watch('catalogVersion')
  const release = entry.releases.find((one) => one.version === version)
  return (
    <div className="flex flex-wrap items-end gap-x-5 gap-y-2 rounded-lg border border-line p-3.5">
      <Field
        label={`Version of ${entry.title}`}
        className="w-60"
        error={form.formState.errors.catalogVersion?.message}
      >
        {(box) => (
          <Select
            {...box}
            value={version}
            onValueChange={(next) => {
              const other = entry.releases.find((one) => one.version === next)
              if (other) setValues(form, releaseValues(form.getValues(), entry, other))
            }}
            options={entry.releases.map((one, index) => ({
              value: one.version,
              label: index === 0 ? `${one.version} (newest)` : one.version,
            }))}
          />
        )}
      </Field>
      {release && requiredOf(release).length === 0 ? (
        <div className="mb-1">
          <QuickDeploy entry={entry} release={release}>
            Quick deploy
          </QuickDeploy>
        </div>
      ) : null}
      {entry.docsUrl ? (
        <a
          href={entry.docsUrl}
          target="_blank"
          rel="noreferrer"
          className="mb-2.5 inline-flex items-center gap-1.5 rounded text-sm text-primary underline underline-offset-3"
        >
          Its documentation
          <ExternalLink aria-hidden className="size-3.5" />
        </a>
      ) : null}
    </div>
  )
}

/** The entries of the catalog to choose from, with a search. */
export function CatalogChoice({ form }: { form: UseFormReturn<DeployValues> }) {
  const [search, setSearch] = useState('')
  const catalog = trpc.catalog.list.useQuery()
  const slug = form.watch('catalogSlug')
  return (
    <QueryView query={catalog}>
      {({ items }) => {
        const wanted = search.trim().toLowerCase()
        const shown = items.filter((entry) => matches(entry, wanted) || entry.slug === slug)
        const chosen = items.find((entry) => entry.slug === slug)
        return (
          <div className="grid gap-3">
            <SearchInput
              aria-label="Search the catalog"
              placeholder="Search the catalog"
              value={search}
              onChange={(event) => setSearch(event.target.value)}
              onKeyDown={(event) => {
                // It filters as one types; the form is not sent by it.
                if (event.key === 'Enter') event.preventDefault()
              }}
            />
            <fieldset
              ref={(list) => list?.querySelector('label:has(:checked)')?.scrollIntoView({ block: 'nearest' })}
              className="grid max-h-[26rem] gap-2.5 overflow-y-auto p-1 sm:grid-cols-2"
            >
              <legend className="sr-only">Entry</legend>
              {shown.map((entry) => (
                <ChoiceCard
                  key={entry.id}
                  name="catalogSlug"
                  value={entry.slug}
                  checked={entry.slug === slug}
                  onChange={() => {
                    const [newest] = entry.releases
                    if (newest) setValues(form, releaseValues(form.getValues(), entry, newest))
                  }}
                  title={
                    <>
                      <EntryIcon entry={entry} />
                      <span className="truncate">{entry.title}</span>
                    </>
                  }
                  hint={<span className="line-clamp-2">{entry.description}</span>}
                  aside={<span className="text-xs text-muted">{needs(entry.releases[0])}</span>}
                />
              ))}
            </fieldset>
            {shown.length === 0 ? (
              <p className="text-sm text-muted">
                {items.length === 0 ? 'The catalog is empty.' : 'No entry matches.'}
              </p>
            ) : null}
            <FieldError error={form.formState.errors.catalogSlug?.message} />
            {chosen ? <Chosen form={form} entry={chosen} /> : null}
          </div>
        )
      }}
    </QueryView>
  )
}
