'use client'

import { Plus, Trash2 } from 'lucide-react'
import { type UseFormReturn, useFieldArray } from 'react-hook-form'
import { EMPTY_ASKED, type EntryValues } from '#app/components/catalog/entry-form.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input, Textarea } from '#app/components/ui/input.tsx'

type Kind = 'variables' | 'arguments' | 'headers'

const WORDS = {
  variables: { one: 'variable', name: 'Name', hint: 'Such as API_KEY.' },
  headers: { one: 'header', name: 'Name', hint: 'Such as Authorization.' },
  arguments: { one: 'argument', name: 'Key', hint: 'What answers are kept by, such as folder.' },
} as const

/** What the form of a deployment asks for. */
export function AskedFields({ form, kind }: { form: UseFormReturn<EntryValues>; kind: Kind }) {
  const { fields, append, remove } = useFieldArray({ control: form.control, name: kind })
  const words = WORDS[kind]
  return (
    <div className="grid gap-3">
      {fields.map((row, index) => (
        <AskedRowFields key={row.id} form={form} kind={kind} index={index} onRemove={() => remove(index)} />
      ))}
      <Button
        size="sm"
        className="justify-self-start"
        onClick={() => append({ ...EMPTY_ASKED, secret: kind === 'headers' })}
      >
        <Plus aria-hidden />
        Add {words.one}
      </Button>
    </div>
  )
}

function AskedRowFields({
  form: { register, formState, watch },
  kind,
  index,
  onRemove,
}: {
  form: UseFormReturn<EntryValues>
  kind: Kind
  index: number
  onRemove: () => void
}) {
  const words = WORDS[kind]
  const errors = formState.errors[kind]?.[index]
  const isArgument = kind === 'arguments'
  const secret = !isArgument && watch(`${kind}.${index}.secret`)
  const mono = 'font-mono text-sm'
  return (
    <fieldset className="grid gap-4 rounded-lg border border-line p-4 sm:grid-cols-2">
      <legend className="sr-only">
        {words.one} {index + 1}
      </legend>
      <Field label={words.name} hint={words.hint} error={errors?.name?.message}>
        {(box) => (
          <Input
            {...box}
            {...register(`${kind}.${index}.name`)}
            className={mono}
            autoComplete="off"
            spellCheck={false}
          />
        )}
      </Field>
      <Field label="Title" optional hint="What the form calls it." error={errors?.title?.message}>
        {(box) => <Input {...box} {...register(`${kind}.${index}.title`)} autoComplete="off" />}
      </Field>
      <Field label="Description" optional className="sm:col-span-2" error={errors?.description?.message}>
        {(box) => <Input {...box} {...register(`${kind}.${index}.description`)} autoComplete="off" />}
      </Field>
      {isArgument ? (
        <Field
          label="Flag"
          optional
          hint="Put before the value, such as --mode."
          error={errors?.flag?.message}
        >
          {(box) => (
            <Input
              {...box}
              {...register(`${kind}.${index}.flag`)}
              className={mono}
              autoComplete="off"
              spellCheck={false}
            />
          )}
        </Field>
      ) : (
        <Field
          label="Placeholder"
          optional
          hint="An example of a value."
          error={errors?.placeholder?.message}
        >
          {(box) => (
            <Input
              {...box}
              {...register(`${kind}.${index}.placeholder`)}
              className={mono}
              autoComplete="off"
            />
          )}
        </Field>
      )}
      <Field
        label="Default"
        optional
        hint={secret ? 'A secret has none.' : 'Used where nothing is given.'}
        error={errors?.default?.message}
      >
        {(box) => (
          <Input {...box} {...register(`${kind}.${index}.default`)} className={mono} autoComplete="off" />
        )}
      </Field>
      <Field
        label="Choices"
        optional
        hint="One a line."
        className="sm:col-span-2"
        error={errors?.choices?.message}
      >
        {(box) => <Textarea {...box} {...register(`${kind}.${index}.choices`)} rows={2} className={mono} />}
      </Field>
      <div className="flex flex-wrap items-center gap-x-5 gap-y-2 text-sm sm:col-span-2">
        <label className="flex items-center gap-2">
          <input
            type="checkbox"
            {...register(`${kind}.${index}.required`)}
            className="size-4 accent-primary"
          />
          Required
        </label>
        <label className="flex items-center gap-2">
          <input
            type="checkbox"
            {...register(isArgument ? `${kind}.${index}.repeated` : `${kind}.${index}.secret`)}
            className="size-4 accent-primary"
          />
          {isArgument ? 'May be given more than once' : 'Secret'}
        </label>
        <Button size="sm" variant="danger-quiet" className="ml-auto" onClick={onRemove}>
          <Trash2 aria-hidden />
          Remove
          <span className="sr-only">
            {' '}
            {words.one} {index + 1}
          </span>
        </Button>
      </div>
    </fieldset>
  )
}
