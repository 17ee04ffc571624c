'use client'

import { Controller, type UseFormReturn, useFieldArray } from 'react-hook-form'
import { askedKind, type DeployValues } from '#app/components/servers/deploy-values.ts'
import { SHARING_LABELS } from '#app/components/servers/source-text.ts'
import { UserCredentialRows } from '#app/components/servers/user-credential-rows.tsx'
import { EMPTY_USER_CREDENTIAL } from '#app/components/servers/user-credential-values.ts'
import { Field } from '#app/components/ui/field.tsx'
import { Select } from '#app/components/ui/select.tsx'

const HINTS = {
  env: 'Asked for when somebody connects an agent, and given to the process of that user’s sessions alone.',
  header: 'Asked for when somebody connects an agent, and sent with that user’s calls alone.',
} as const

/** What the server asks of each of its users, and who shares its process. */
export function UserCredentialFields({ form }: { form: UseFormReturn<DeployValues> }) {
  const { control, formState, register, watch } = form
  const rows = useFieldArray({ control, name: 'userCredentials' })
  const [sourceType, catalogRuns, transport] = watch(['sourceType', 'catalogRuns', 'transport'])
  const kind = askedKind({ sourceType, catalogRuns, transport })
  return (
    <>
      <fieldset className="grid gap-2">
        <legend className="mb-1.5 text-sm font-medium">
          What each user brings <span className="font-normal text-muted">optional</span>
        </legend>
        <p className="-mt-1 text-[0.8125rem] text-muted">
          {HINTS[kind]} Values are encrypted, and shown to nobody.
        </p>
        <UserCredentialRows
          kind={kind}
          rows={rows.fields}
          register={(index, box) => register(`userCredentials.${index}.${box}`)}
          errorOf={(index, box) => formState.errors.userCredentials?.[index]?.[box]?.message}
          onAdd={() => rows.append(EMPTY_USER_CREDENTIAL)}
          onRemove={rows.remove}
        />
      </fieldset>
      {kind === 'env' ? <SharingField form={form} decided={rows.fields.length > 0} /> : null}
    </>
  )
}

/** `decided`: variables of users leave no choice. */
function SharingField({ form, decided }: { form: UseFormReturn<DeployValues>; decided: boolean }) {
  return (
    <Controller
      control={form.control}
      name="sharing"
      render={({ field, fieldState }) => (
        <Field
          label="Who shares its process"
          className="sm:max-w-md"
          hint={
            decided
              ? 'Variables of one user need a process of their own. Its limits hold for each.'
              : 'Processes of their own keep sessions apart, and cost more memory: the limits hold for each.'
          }
          error={fieldState.error?.message}
        >
          {(box) => (
            <Select
              {...box}
              value={decided ? 'isolated' : field.value}
              onValueChange={field.onChange}
              disabled={decided}
              options={(['shared', 'isolated'] as const).map((value) => ({
                value,
                label: SHARING_LABELS[value],
              }))}
            />
          )}
        </Field>
      )}
    />
  )
}
