'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { Controller, useForm } from 'react-hook-form'
import { toast } from 'sonner'
import {
  SettingsForm,
  type SettingsValues,
  toSettingsInput,
  toSettingsValues,
} from '#app/components/connections/detail/settings-values.ts'
import { useUpdateConnection } from '#app/components/connections/detail/use-update-connection.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Card } from '#app/components/ui/card.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { showFieldErrors } from '#app/components/ui/form-failure.ts'
import { Input } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { Switch } from '#app/components/ui/switch.tsx'
import { readFailure } from '#app/trpc/failure.ts'
import type { ConnectionDetail } from '#contracts/agents.ts'

const POLICIES = [
  {
    value: 'hold',
    label: 'Hold them back until I approve',
    hint: 'The agent can neither see nor call them.',
  },
  { value: 'warn', label: 'Let them through and tell me', hint: 'The agent can call them at once.' },
]

/** What the owner decides of a connection besides its tools. */
export function SettingsPanel({ connection }: { connection: ConnectionDetail }) {
  const form = useForm<SettingsValues>({
    values: toSettingsValues(connection),
    resetOptions: { keepDirtyValues: true },
    resolver: zodResolver(SettingsForm),
  })
  const update = useUpdateConnection({
    onSuccess: () => {
      toast.success('The settings were saved')
      form.reset(form.getValues())
    },
    onError: (error) => showFieldErrors(form, error, { SLUG_TAKEN: 'slug' }),
  })
  const { errors, isDirty } = form.formState
  const number = (name: 'timeoutSeconds' | 'retries' | 'callsPerMinute' | 'maxConcurrent') => ({
    ...form.register(name),
    inputMode: 'numeric' as const,
    autoComplete: 'off',
  })
  const failure = update.error ? readFailure(update.error) : null
  const ended = connection.state === 'disconnected'
  return (
    <Card aria-label="Settings">
      <form
        noValidate
        className="grid gap-5 px-4 py-5 sm:px-5"
        onSubmit={form.handleSubmit((values) =>
          update.mutate({ id: connection.id, ...toSettingsInput(values) }),
        )}
      >
        <fieldset disabled={ended} className="grid gap-5 sm:grid-cols-2">
          <legend className="sr-only">Settings of the connection</legend>
          <Field
            label="Prefix"
            error={errors.slug?.message}
            hint="Begins the names of its tools, with two underscores between."
          >
            {(control) => (
              <Input {...control} {...form.register('slug')} className="font-mono" autoComplete="off" />
            )}
          </Field>
          <Field label="Tools that change or are new">
            {(control) => (
              <Controller
                control={form.control}
                name="pinPolicy"
                render={({ field }) => (
                  <Select
                    {...control}
                    value={field.value}
                    onValueChange={field.onChange}
                    options={POLICIES}
                    disabled={ended}
                  />
                )}
              />
            )}
          </Field>
          <Field
            label="Give up a call after (s)"
            error={errors.timeoutSeconds?.message}
            hint="Of silence; progress begins it anew."
          >
            {(control) => <Input {...control} {...number('timeoutSeconds')} />}
          </Field>
          <Field
            label="Tries again"
            error={errors.retries?.message}
            hint="Only where that cannot run a call twice."
          >
            {(control) => <Input {...control} {...number('retries')} />}
          </Field>
          <Field
            label="Calls a minute"
            optional
            error={errors.callsPerMinute?.message}
            hint="Empty: no limit but the agent's."
          >
            {(control) => <Input {...control} {...number('callsPerMinute')} />}
          </Field>
          <Field
            label="Calls at once"
            optional
            error={errors.maxConcurrent?.message}
            hint="Empty: no limit but the agent's."
          >
            {(control) => <Input {...control} {...number('maxConcurrent')} />}
          </Field>
        </fieldset>
        <Toggle
          form={form}
          name="prefixTools"
          disabled={ended}
          label="Put the prefix before the names of tools"
        />
        <Toggle
          form={form}
          name="logArguments"
          disabled={ended}
          label="Keep the arguments of calls in their log, with secrets taken out"
        />
        {failure && Object.keys(failure.fields).length === 0 ? <FailureNotice failure={failure} /> : null}
        {ended ? null : (
          <div className="flex flex-wrap gap-2">
            <Button type="submit" variant="primary" busy={update.isPending} disabled={!isDirty}>
              Save settings
            </Button>
            {isDirty ? <Button onClick={() => form.reset()}>Discard</Button> : null}
          </div>
        )}
      </form>
    </Card>
  )
}

interface ToggleProps {
  form: ReturnType<typeof useForm<SettingsValues>>
  name: 'prefixTools' | 'logArguments'
  label: string
  disabled: boolean
}

function Toggle({ form, name, label, disabled }: ToggleProps) {
  return (
    <Controller
      control={form.control}
      name={name}
      render={({ field }) => (
        <label className="flex items-center gap-3 text-sm">
          <Switch checked={field.value} onCheckedChange={field.onChange} disabled={disabled} />
          {label}
        </label>
      )}
    />
  )
}
