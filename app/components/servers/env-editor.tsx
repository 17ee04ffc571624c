'use client'

import { Plus, Trash2 } from 'lucide-react'
import type { ClipboardEvent } from 'react'
import { Controller, type UseFormReturn, useFieldArray } from 'react-hook-form'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { looksSecret, parseEnvBlock } from '#app/components/servers/env-text.ts'
import { SecretInput } from '#app/components/servers/secret-input.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { FieldError } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { Switch } from '#app/components/ui/switch.tsx'

interface EnvRowProps {
  form: UseFormReturn<DeployValues>
  index: number
  /** As it is counted aloud. */
  number: number
  onPaste: (event: ClipboardEvent<HTMLInputElement>, index: number) => void
  onRemove: () => void
}

function EnvRowEditor({ form, index, number, onPaste, onRemove }: EnvRowProps) {
  const { register, formState, setValue, watch } = form
  const errors = formState.errors.env?.[index]
  const secret = watch(`env.${index}.secret`)
  // Its value is there and cannot be read: an empty box keeps it.
  const kept = form.getValues(`env.${index}.kept`) !== undefined
  const keeps = kept && !watch(`env.${index}.value`)
  const name = register(`env.${index}.name`, {
    onChange: (event) => {
      if (looksSecret(String(event.target.value))) setValue(`env.${index}.secret`, true)
    },
  })
  return (
    <li className="grid gap-2 rounded-lg border border-line p-2.5">
      <div className="grid grid-cols-[minmax(0,1fr)_auto] gap-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto]">
        <Input
          {...name}
          aria-label={`Name of variable ${number}`}
          aria-invalid={errors?.name ? true : undefined}
          placeholder="NAME"
          className="font-mono text-sm"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onPaste={(event) => onPaste(event, index)}
        />
        <div className="max-sm:order-last max-sm:col-span-2">
          <SecretInput
            {...register(`env.${index}.value`)}
            secret={secret}
            what={`value ${number}`}
            aria-label={`Value of variable ${number}`}
            aria-invalid={errors?.value ? true : undefined}
            placeholder={kept ? 'Kept unless you replace it' : 'value'}
          />
        </div>
        <Button
          variant="danger-quiet"
          size="icon"
          aria-label={`Remove variable ${number}`}
          onClick={onRemove}
        >
          <Trash2 aria-hidden />
        </Button>
      </div>
      <FieldError error={errors?.name?.message ?? errors?.value?.message} />
      {keeps ? (
        <p className="text-[0.8125rem] text-muted">Secret: kept as it is.</p>
      ) : (
        <Controller
          control={form.control}
          name={`env.${index}.secret`}
          render={({ field }) => (
            <label className="flex items-center gap-2.5 text-[0.8125rem] text-muted">
              <Switch checked={field.value} onCheckedChange={field.onChange} />
              Secret: encrypted, never shown again, kept out of logs
            </label>
          )}
        />
      )}
    </li>
  )
}

/** Variables of the server's process besides those that its catalog entry asks for. A pasted `.env` block becomes one row a line. */
export function EnvEditor({ form }: { form: UseFormReturn<DeployValues> }) {
  const rows = useFieldArray({ control: form.control, name: 'env' })
  const paste = (event: ClipboardEvent<HTMLInputElement>, index: number) => {
    const pasted = parseEnvBlock(event.clipboardData.getData('text'))
    if (pasted.length === 0) return
    event.preventDefault()
    rows.remove(index)
    rows.insert(index, pasted)
  }
  const own = rows.fields.flatMap((row, index) => (row.asked ? [] : [{ id: row.id, index }]))
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-sm font-medium">
        {own.length < rows.fields.length ? 'More environment variables' : 'Environment variables'}{' '}
        <span className="font-normal text-muted">optional</span>
      </legend>
      {own.length > 0 ? (
        <ul className="grid gap-2">
          {own.map(({ id, index }, at) => (
            <EnvRowEditor
              key={id}
              form={form}
              index={index}
              number={at + 1}
              onPaste={paste}
              onRemove={() => rows.remove(index)}
            />
          ))}
        </ul>
      ) : null}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Button size="sm" onClick={() => rows.append({ name: '', value: '', secret: false })}>
          <Plus aria-hidden />
          Add variable
        </Button>
        {own.length > 0 ? (
          <p className="text-[0.8125rem] text-muted">A pasted .env block fills one row a line.</p>
        ) : null}
      </div>
    </fieldset>
  )
}
