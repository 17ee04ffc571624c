'use client'

import { Controller, type UseFormReturn } from 'react-hook-form'
import { VISIBILITIES } from '#app/components/servers/changes.ts'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { Field, FieldError } from '#app/components/ui/field.tsx'
import { Input, Textarea } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'

interface AccessFieldsProps {
  form: UseFormReturn<DeployValues>
  /** Of a server that is there: its name stays, and grants are given on its page. */
  editing?: boolean
}

/** Users who shall have the server from the start. */
function GrantFields({ form }: { form: UseFormReturn<DeployValues> }) {
  const users = trpc.users.list.useQuery()
  const choices = (users.data ?? []).filter((user) => user.role === 'USER' && !user.disabled)
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-sm font-medium">
        Granted to <span className="font-normal text-muted">optional</span>
      </legend>
      {users.data && choices.length === 0 ? (
        <p className="text-[0.8125rem] text-muted">
          There are no users yet; until it is granted to one, only admins see it.
        </p>
      ) : (
        <div className="grid max-h-56 gap-1 overflow-y-auto rounded-lg border border-line p-2 sm:grid-cols-2">
          {choices.map((user) => (
            <label
              key={user.id}
              className="flex min-h-8 items-center gap-2.5 rounded-md px-2 text-sm hover:bg-sunken"
            >
              <input
                type="checkbox"
                value={user.id}
                {...form.register('grants')}
                className="size-4 accent-primary"
              />
              <span className="truncate">{user.email}</span>
            </label>
          ))}
        </div>
      )}
      <FieldError error={form.formState.errors.grants?.message} />
    </fieldset>
  )
}

/** What users see the server as. */
export function NameFields({ form, editing = false }: AccessFieldsProps) {
  const { register, formState } = form
  const { errors } = formState
  return (
    <>
      {editing ? null : (
        <Field
          label="Name"
          hint="3 to 40 lower-case letters, digits and dashes. Users see it."
          error={errors.name?.message}
        >
          {(box) => (
            <Input
              {...box}
              {...register('name')}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          )}
        </Field>
      )}
      <Field label="Description" optional error={errors.description?.message}>
        {(box) => <Textarea {...box} {...register('description')} rows={2} />}
      </Field>
    </>
  )
}

/** Which users may connect agents to it. */
export function AccessFields({ form, editing = false }: AccessFieldsProps) {
  const { control, formState, watch } = form
  const restricted = watch('visibility') === 'restricted'
  return (
    <>
      <Controller
        control={control}
        name="visibility"
        render={({ field }) => (
          <Field
            label="Who may use it"
            hint={
              restricted
                ? editing
                  ? 'Nobody but those whom it is granted to on its page.'
                  : 'Nobody but those chosen below; more can be added on its page.'
                : 'Every user of this installation may connect agents to it.'
            }
            error={formState.errors.visibility?.message}
          >
            {(box) => (
              <Select
                {...box}
                value={field.value}
                onValueChange={field.onChange}
                options={Object.entries(VISIBILITIES).map(([value, label]) => ({ value, label }))}
              />
            )}
          </Field>
        )}
      />
      {restricted && !editing ? <GrantFields form={form} /> : null}
    </>
  )
}
