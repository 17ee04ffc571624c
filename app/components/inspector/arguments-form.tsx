'use client'

import { Play } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import {
  type ArgumentField,
  argumentFields,
  readArguments,
  readRawArguments,
} from '#app/components/inspector/schema-fields.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input, Textarea } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { Switch } from '#app/components/ui/switch.tsx'
import type { ToolDefinition } from '#contracts/probe.ts'

interface ArgumentsFormProps {
  tool: ToolDefinition
  /** What the form begins with, from an earlier call. */
  start: Record<string, unknown> | null
  busy: boolean
  onCall: (values: Record<string, unknown>) => void
}

/** Asks for a tool's arguments: a box for each, or all of them as JSON. */
export function ArgumentsForm({ tool, start, busy, onCall }: ArgumentsFormProps) {
  const fields = argumentFields(tool.inputSchema)
  const [raw, setRaw] = useState(start !== null || fields.length === 0)
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [text, setText] = useState(JSON.stringify(start ?? {}, null, 2))
  const [errors, setErrors] = useState<Record<string, string>>({})

  const call = (event: FormEvent) => {
    event.preventDefault()
    if (busy) return
    if (raw) {
      const read = readRawArguments(text)
      setErrors('error' in read ? { '': read.error } : {})
      if ('values' in read) onCall(read.values)
      return
    }
    const read = readArguments(fields, typed)
    setErrors(read.errors)
    if (Object.keys(read.errors).length === 0) onCall(read.values)
  }
  const toRaw = (on: boolean) => {
    // What was typed into boxes is not lost; what was typed as JSON stays there.
    if (on) setText(JSON.stringify(readArguments(fields, typed).values, null, 2))
    setErrors({})
    setRaw(on)
  }
  return (
    <form noValidate className="grid gap-4" onSubmit={call}>
      {fields.length === 0 ? null : (
        <label className="flex items-center gap-3 text-sm text-muted">
          <Switch checked={raw} onCheckedChange={toRaw} />
          Arguments as JSON
        </label>
      )}
      {raw ? (
        <Field label="Arguments (JSON)" error={errors['']}>
          {(control) => (
            <Textarea
              {...control}
              rows={8}
              value={text}
              spellCheck={false}
              className="font-mono text-sm"
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
      ) : (
        fields.map((field) => (
          <ArgumentBox
            key={field.name}
            field={field}
            value={typed[field.name] ?? field.initial}
            error={errors[field.name]}
            onChange={(value) => setTyped((before) => ({ ...before, [field.name]: value }))}
          />
        ))
      )}
      <Button type="submit" variant="primary" busy={busy} className="justify-self-start">
        {busy ? null : <Play aria-hidden />}
        Call {tool.name}
      </Button>
    </form>
  )
}

interface ArgumentBoxProps {
  field: ArgumentField
  value: string
  error: string | undefined
  onChange: (value: string) => void
}

function ArgumentBox({ field, value, error, onChange }: ArgumentBoxProps) {
  return (
    <Field
      label={<code className="font-mono">{field.name}</code>}
      hint={field.description}
      error={error}
      optional={!field.required}
    >
      {(control) => {
        const box = {
          ...control,
          value,
          onChange: (event: { target: { value: string } }) => onChange(event.target.value),
        }
        if (field.kind === 'boolean')
          return (
            <Switch
              {...control}
              checked={value === 'true'}
              onCheckedChange={(checked) => onChange(String(checked))}
            />
          )
        if (field.kind === 'choice')
          return (
            <Select
              {...control}
              value={value}
              onValueChange={onChange}
              options={field.choices.map((choice) => ({ value: String(choice), label: String(choice) }))}
            />
          )
        if (field.kind === 'json')
          return (
            <Textarea {...box} rows={3} spellCheck={false} className="font-mono text-sm" placeholder="JSON" />
          )
        return (
          <Input
            {...box}
            autoComplete="off"
            {...(field.kind === 'number' ? { inputMode: 'decimal' as const } : {})}
          />
        )
      }}
    </Field>
  )
}
