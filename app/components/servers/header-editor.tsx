'use client'

import { Plus, Trash2 } from 'lucide-react'
import { type UseFormReturn, useFieldArray } from 'react-hook-form'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { SecretInput } from '#app/components/servers/secret-input.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { FieldError } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'

/** Headers that a remote server is called with, besides those that its catalog entry asks for. */
export function HeaderEditor({ form }: { form: UseFormReturn<DeployValues> }) {
  const { control, register, formState } = form
  const rows = useFieldArray({ control, name: 'headers' })
  const own = rows.fields.flatMap((row, index) => (row.asked ? [] : [{ row, index }]))
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-sm font-medium">
        Headers <span className="font-normal text-muted">optional</span>
      </legend>
      <p className="-mt-1 text-[0.8125rem] text-muted">
        Sent with every call, to this address only. Values are encrypted and never shown again.
      </p>
      {own.length > 0 ? (
        <ul className="grid gap-2">
          {own.map(({ row, index }, at) => {
            const errors = formState.errors.headers?.[index]
            return (
              <li key={row.id} className="grid gap-2 rounded-lg border border-line p-2.5">
                <div className="grid grid-cols-[minmax(0,1fr)_auto] gap-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto]">
                  <Input
                    {...register(`headers.${index}.name`)}
                    aria-label={`Name of header ${at + 1}`}
                    aria-invalid={errors?.name ? true : undefined}
                    placeholder="Authorization"
                    className="font-mono text-sm"
                    autoComplete="off"
                    spellCheck={false}
                  />
                  <div className="max-sm:order-last max-sm:col-span-2">
                    <SecretInput
                      {...register(`headers.${index}.value`)}
                      secret
                      what={`value of header ${at + 1}`}
                      aria-label={`Value of header ${at + 1}`}
                      aria-invalid={errors?.value ? true : undefined}
                      placeholder={row.kept ? 'Kept unless you replace it' : 'Bearer …'}
                    />
                  </div>
                  <Button
                    variant="danger-quiet"
                    size="icon"
                    aria-label={`Remove header ${at + 1}`}
                    onClick={() => rows.remove(index)}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                </div>
                <FieldError error={errors?.name?.message ?? errors?.value?.message} />
              </li>
            )
          })}
        </ul>
      ) : null}
      <Button size="sm" className="w-fit" onClick={() => rows.append({ name: '', value: '' })}>
        <Plus aria-hidden />
        Add header
      </Button>
    </fieldset>
  )
}
