'use client'

import { Controller, type UseFormReturn } from 'react-hook-form'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { SecretInput } from '#app/components/servers/secret-input.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Textarea } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'

/** An optional choice that is not made. */
const NONE = 'none:'

interface Asked {
  title?: string | undefined
  description?: string | undefined
  required: boolean
  secret?: boolean
  choices?: string[] | undefined
  placeholder?: string | undefined
  default?: string | undefined
  repeated?: boolean
}

interface AskedFieldProps {
  form: UseFormReturn<DeployValues>
  path: `env.${number}.value` | `headers.${number}.value` | `answers.${number}.value`
  /** As the server knows it. */
  name: string
  asked: Asked
  secret: boolean
  error: string | undefined
}

/** One question of a catalog entry, as the box that fits it. */
function AskedField({ form, path, name, asked, secret, error }: AskedFieldProps) {
  const label = asked.title ?? name
  const hint = (
    <>
      {asked.description}
      {asked.description && asked.title ? ' ' : null}
      {asked.title ? <code className="font-mono text-[0.75rem]">{name}</code> : null}
      {asked.repeated ? ' One a line.' : null}
      {secret ? ' Encrypted, never shown again.' : null}
    </>
  )
  return (
    <Field label={label} hint={hint} optional={!asked.required} error={error}>
      {(box) =>
        asked.choices ? (
          <Controller
            control={form.control}
            name={path}
            render={({ field }) => (
              <Select
                {...box}
                value={field.value || NONE}
                onValueChange={(next) => field.onChange(next === NONE ? '' : next)}
                options={[
                  { value: NONE, label: asked.required ? 'Choose one' : 'Not set' },
                  ...(asked.choices ?? []).map((value) => ({ value, label: value })),
                ]}
              />
            )}
          />
        ) : asked.repeated ? (
          <Textarea
            {...box}
            {...form.register(path)}
            rows={2}
            className="font-mono text-sm"
            spellCheck={false}
          />
        ) : (
          <SecretInput
            {...box}
            {...form.register(path)}
            secret={secret}
            what={label}
            placeholder={asked.placeholder ?? (asked.default ? `${asked.default} unless given` : undefined)}
          />
        )
      }
    </Field>
  )
}

/** The form of a catalog entry: its arguments, variables and headers, those without which it does not run first. */
export function AskedFields({ form }: { form: UseFormReturn<DeployValues> }) {
  const { errors } = form.formState
  const [answers, env, headers] = form.watch(['answers', 'env', 'headers'])
  const fields: (AskedFieldProps & { required: boolean })[] = []
  for (const [index, { asked }] of answers.entries())
    fields.push({
      form,
      path: `answers.${index}.value`,
      name: asked.flag ?? asked.key,
      asked,
      secret: false,
      error: errors.answers?.[index]?.value?.message,
      required: asked.required,
    })
  for (const [list, rows] of [
    ['env', env],
    ['headers', headers],
  ] as const)
    for (const [index, { name, asked }] of rows.entries())
      if (asked)
        fields.push({
          form,
          path: `${list}.${index}.value`,
          name,
          asked,
          secret: list === 'headers' || asked.secret,
          error: errors[list]?.[index]?.value?.message,
          required: asked.required,
        })
  const ordered = fields.toSorted((one, other) => Number(other.required) - Number(one.required))
  return ordered.map(({ required: _required, ...field }) => <AskedField key={field.path} {...field} />)
}
