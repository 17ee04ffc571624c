'use client'

import { CloudTokenForm } from '#app/components/toolboxes/cloud-token-form.tsx'
import { monthly } from '#app/components/toolboxes/droplet-steps.ts'
import type { useAddDroplet } from '#app/components/toolboxes/use-add-droplet.ts'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { formatBytes, plural } from '#app/components/ui/format.ts'
import { Input } from '#app/components/ui/input.tsx'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { Skeleton } from '#app/components/ui/skeleton.tsx'
import { describeFailure, readFailure } from '#app/trpc/failure.ts'
import type { ToolboxOptions } from '#contracts/droplets.ts'

export const DROPLET_FORM = 'add-droplet'

type Adding = ReturnType<typeof useAddDroplet>
type Size = ToolboxOptions['sizes'][number]

const sizeText = (size: Size) =>
  `${plural(size.vcpus, 'vCPU')}, ${formatBytes(size.memoryMb * 1024 * 1024)} memory, ${size.diskGb} GB disk`

/** What a droplet can be made of in this account; or how to tell which account. */
export function DropletFields({ adding }: { adding: Adding }) {
  return (
    <QueryView query={adding.options} loading={<Skeleton className="h-56" />}>
      {(options) => {
        if (options.tokenSource === null && !options.problem) return <CloudTokenForm />
        if (options.problem)
          return (
            <div className="grid gap-5">
              <FailureNotice
                failure={describeFailure(options.problem)}
                alwaysRetry
                retrying={adding.options.isFetching}
                onRetry={() => void adding.options.refetch()}
              />
              {options.tokenSource === 'file' ? null : <CloudTokenForm />}
            </div>
          )
        return <Choices adding={adding} options={options} />
      }}
    </QueryView>
  )
}

function Choices({ adding, options }: { adding: Adding; options: ToolboxOptions }) {
  const { form, create } = adding
  const { errors } = form.formState
  const region = form.watch('region')
  const sizes = options.sizes.filter((size) => region === '' || size.regions.includes(region))
  const chosen = sizes.find(({ slug }) => slug === form.watch('size'))
  const set = (name: 'region' | 'size') => (value: string) =>
    form.setValue(name, value, { shouldDirty: true, shouldValidate: form.formState.isSubmitted })
  const failure = create.error ? readFailure(create.error) : null
  return (
    <form id={DROPLET_FORM} noValidate className="grid gap-4" onSubmit={adding.submit}>
      <Field
        label="Name"
        hint="Lower-case letters, digits and dashes, such as tools-frankfurt."
        error={errors.name?.message}
      >
        {(box) => <Input {...box} {...form.register('name')} autoComplete="off" />}
      </Field>
      <Field label="Region" error={errors.region?.message}>
        {(box) => (
          <Select
            {...box}
            value={region}
            onValueChange={set('region')}
            options={options.regions.map(({ slug, name }) => ({ value: slug, label: `${name} (${slug})` }))}
          />
        )}
      </Field>
      <Field
        label="Size"
        hint={chosen ? sizeText(chosen) : 'Sizes that this account can order in the region.'}
        error={errors.size?.message}
      >
        {(box) => (
          <Select
            {...box}
            value={chosen?.slug ?? ''}
            onValueChange={set('size')}
            options={sizes.map((size) => ({
              value: size.slug,
              label: `${size.slug}, ${monthly(size.priceMonthly)}`,
              hint: sizeText(size),
            }))}
          />
        )}
      </Field>
      <p className="rounded-xl bg-sunken px-4 py-3 text-[0.8125rem] text-muted">
        {chosen
          ? `${monthly(chosen.priceMonthly)} ($${chosen.priceHourly} an hour), billed by DigitalOcean to ${options.account?.email ?? 'the account'} until the toolbox is deleted.`
          : `Billed by DigitalOcean to ${options.account?.email ?? 'the account'} until the toolbox is deleted.`}{' '}
        It runs {options.defaultImage}; nobody can sign in there, and only the agent's port is open.
      </p>
      {failure && Object.keys(failure.fields).length === 0 ? <FailureNotice failure={failure} /> : null}
    </form>
  )
}
