'use client'

import { Controller, type UseFormReturn } from 'react-hook-form'
import type { EntryValues } from '#app/components/catalog/entry-form.ts'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'

export type Form = UseFormReturn<EntryValues>
type TextBox =
  | 'version'
  | 'package'
  | 'packageVersion'
  | 'bin'
  | 'image'
  | 'url'
  | 'httpPath'
  | 'httpPort'
  | 'memoryMb'
  | 'cpus'
  | 'pids'

/** A line of text of a release. */
export function TextField({
  form,
  name,
  label,
  hint,
  optional,
}: {
  form: Form
  name: TextBox
  label: string
  hint?: string
  optional?: boolean
}) {
  return (
    <Field
      label={label}
      error={form.formState.errors[name]?.message}
      {...(hint && { hint })}
      {...(optional && { optional })}
    >
      {(box) => (
        <Input
          {...box}
          {...form.register(name)}
          className="font-mono text-sm"
          autoComplete="off"
          spellCheck={false}
        />
      )}
    </Field>
  )
}

/** One of a few values of a release. */
export function Choice<Name extends 'sourceType' | 'transport' | 'httpPortBy'>({
  form,
  name,
  label,
  options,
  onChange,
}: {
  form: Form
  name: Name
  label: string
  options: { value: EntryValues[Name]; label: string }[]
  onChange?: (value: string) => void
}) {
  return (
    <Controller
      control={form.control}
      name={name}
      render={({ field }) => (
        <Field label={label} error={form.formState.errors[name]?.message}>
          {(box) => (
            <Select
              {...box}
              value={field.value}
              onValueChange={(value) => {
                field.onChange(value)
                onChange?.(value)
              }}
              options={options}
            />
          )}
        </Field>
      )}
    />
  )
}
