'use client'

import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { toast } from 'sonner'
import {
  boxOf,
  EMPTY_ENTRY,
  type EntryValues,
  entryResolver,
  toEntry,
  valuesOfEntry,
} from '#app/components/catalog/entry-form.ts'
import { ReleaseFields } from '#app/components/catalog/release-fields.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input, Textarea } from '#app/components/ui/input.tsx'
import { NotFound } from '#app/components/ui/not-found.tsx'
import { PageHeader } from '#app/components/ui/page-header.tsx'
import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { usePageTitle } from '#app/components/ui/use-page-title.ts'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import { type CatalogEntry, CreateCatalogEntry } from '#contracts/catalog.ts'

interface EntryFormProps {
  /** The entry that is changed; none: a new one. */
  entry?: CatalogEntry
}

function EntryForm({ entry }: EntryFormProps) {
  const router = useRouter()
  const utils = trpc.useUtils()
  const [release] = entry?.releases ?? []
  const [initial] = useState(() => (entry && release ? valuesOfEntry(entry, release) : EMPTY_ENTRY))
  const form = useForm<EntryValues>({ defaultValues: initial, resolver: entryResolver })
  const { register, formState, handleSubmit } = form
  const { errors } = formState
  const options = {
    onSuccess: (saved: CatalogEntry) => {
      toast.success(`${saved.title} was saved`)
      void utils.catalog.invalidate()
      router.push(`/admin/catalog/${saved.slug}`)
    },
    onError: (error: unknown) => {
      const failure = readFailure(error)
      if (failure.code === 'CATALOG_SLUG_TAKEN')
        form.setError('slug', { message: failure.text }, { shouldFocus: true })
      for (const [field, [message]] of Object.entries(failure.fields)) {
        const box = boxOf(field)
        if (box && message) form.setError(box, { message }, { shouldFocus: true })
      }
    },
  }
  const create = trpc.catalog.create.useMutation(options)
  const update = trpc.catalog.update.useMutation(options)
  const saving = entry ? update : create
  const submit = handleSubmit((values) => {
    const { slug, ...rest } = CreateCatalogEntry.parse(toEntry(values))
    if (entry) update.mutate({ id: entry.id, baseUpdatedAt: entry.updatedAt, ...rest })
    else create.mutate({ slug, ...rest })
  })
  const cancel = entry ? `/admin/catalog/${entry.slug}` : '/admin/catalog'
  return (
    <form noValidate className="grid max-w-3xl gap-5" onSubmit={(event) => void submit(event)}>
      <Card>
        <CardHeader title="Entry" />
        <div className="grid gap-4 px-4 py-4 sm:grid-cols-2 sm:px-5">
          <Field label="Title" error={errors.title?.message}>
            {(box) => <Input {...box} {...register('title')} autoComplete="off" />}
          </Field>
          <Field
            label="Name"
            hint={entry ? 'Stays: deployments and addresses go by it.' : 'Lower case, such as web-search.'}
            error={errors.slug?.message}
          >
            {(box) => (
              <Input
                {...box}
                {...register('slug')}
                readOnly={entry !== undefined}
                className="font-mono text-sm"
                autoComplete="off"
                spellCheck={false}
              />
            )}
          </Field>
          <Field label="Description" optional className="sm:col-span-2" error={errors.description?.message}>
            {(box) => <Textarea {...box} {...register('description')} rows={2} />}
          </Field>
          <Field label="Categories" optional hint="Divided by commas." error={errors.categories?.message}>
            {(box) => <Input {...box} {...register('categories')} autoComplete="off" />}
          </Field>
          <Field label="Publisher" optional error={errors.publisher?.message}>
            {(box) => <Input {...box} {...register('publisher')} autoComplete="off" />}
          </Field>
          <Field label="Documentation" optional error={errors.docsUrl?.message}>
            {(box) => (
              <Input {...box} {...register('docsUrl')} type="url" autoComplete="off" placeholder="https://" />
            )}
          </Field>
          <Field
            label="Icon"
            optional
            hint="Address of a picture; browsers of admins fetch it."
            error={errors.iconUrl?.message}
          >
            {(box) => (
              <Input {...box} {...register('iconUrl')} type="url" autoComplete="off" placeholder="https://" />
            )}
          </Field>
        </div>
      </Card>
      <ReleaseFields form={form} />
      {saving.error ? (
        <FailureNotice failure={readFailure(saving.error)}>
          {readFailure(saving.error).code === 'CONFLICT' ? (
            <p className="mt-2 pl-8">
              <Link href={cancel} target="_blank" className="rounded text-primary underline">
                See what it is now
              </Link>{' '}
              in a new tab; what you typed stays here.
            </p>
          ) : null}
        </FailureNotice>
      ) : null}
      {errors.root?.message ? (
        <p role="alert" className="text-sm text-bad">
          {errors.root.message}
        </p>
      ) : null}
      <div className="flex flex-wrap justify-end gap-2">
        <Button asChild>
          <Link href={cancel}>Cancel</Link>
        </Button>
        <Button type="submit" variant="primary" busy={saving.isPending}>
          {entry ? 'Save' : 'Add to the catalog'}
        </Button>
      </div>
    </form>
  )
}

/** A new entry, by hand. */
export function NewEntryScreen() {
  return (
    <>
      <PageHeader
        parent={{ href: '/admin/catalog', label: 'Catalog' }}
        title="Add an entry"
        lead="What can then be deployed with a few answers."
      />
      <EntryForm />
    </>
  )
}

/** An entry and its newest version. What another admin saves meanwhile does not overwrite what is being typed. */
export function EditEntryScreen({ slug }: { slug: string }) {
  const entry = trpc.catalog.get.useQuery({ slug })
  usePageTitle(entry.data && `Edit ${entry.data.title}`)
  const code = entry.error ? readFailure(entry.error).code : null
  if (code === 'NOT_FOUND' || code === 'BAD_REQUEST') return <NotFound />
  return (
    <QueryView query={entry} loading={<PageSkeleton />}>
      {(data) => (
        <>
          <PageHeader
            parent={{ href: `/admin/catalog/${slug}`, label: data.title }}
            title={`Edit ${data.title}`}
            lead="Servers deployed from it stay as they are until they are updated."
          />
          <EditedEntry entry={data} />
        </>
      )}
    </QueryView>
  )
}

/** Keeps the entry that the change was made from, so that the server can tell that there is a newer one. */
function EditedEntry({ entry }: { entry: CatalogEntry }) {
  const [base] = useState(entry)
  return <EntryForm entry={base} />
}
