'use client'

import { ChevronRight, Plus, Trash2 } from 'lucide-react'
import type { FormEvent } from 'react'
import { Controller, type UseFormReturn, useFieldArray } from 'react-hook-form'
import type { ConnectValues } from '#app/components/connections/connect-values.ts'
import { ToolSelection } from '#app/components/connections/tool-selection.tsx'
import { SecretInput } from '#app/components/servers/secret-input.tsx'
import { Button } from '#app/components/ui/button.tsx'
import { Field, FieldError } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { Switch } from '#app/components/ui/switch.tsx'
import type { AvailableServer } from '#contracts/agents.ts'

interface ConfigureStepProps {
  form: UseFormReturn<ConnectValues>
  server: AvailableServer
  onSubmit: (event: FormEvent) => void
}

/** How the server's tools will be called at the agent's URL, which of them, and with what of one's own. */
export function ConfigureStep({ form, server, onSubmit }: ConfigureStepProps) {
  const [slug, prefixTools, off] = form.watch(['slug', 'prefixTools', 'off'])
  const tool = server.tools.find(({ name }) => !off.includes(name))?.name ?? 'tool'
  return (
    <form id="connect-form" noValidate className="grid gap-5" onSubmit={onSubmit}>
      <Credentials form={form} server={server} />
      <Field
        label="Prefix"
        hint="Tells its tools from those of other servers. Each connection of an agent has its own."
        error={form.formState.errors.slug?.message}
      >
        {(box) => (
          <Input
            {...box}
            {...form.register('slug')}
            className="font-mono text-sm"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        )}
      </Field>
      <Controller
        control={form.control}
        name="prefixTools"
        render={({ field }) => (
          <div className="flex items-start gap-3 text-sm">
            <Switch
              id="prefix-tools"
              aria-describedby="prefix-tools-hint"
              checked={field.value}
              onCheckedChange={field.onChange}
            />
            <div>
              <label htmlFor="prefix-tools" className="font-medium">
                Put the prefix before its tools' names
              </label>
              <p id="prefix-tools-hint" className="text-muted">
                Without it, a tool whose name another server has too cannot be told apart.
              </p>
            </div>
          </div>
        )}
      />
      <p className="rounded-lg bg-sunken px-3.5 py-3 text-sm">
        <span className="text-muted">Your agent will see </span>
        <code className="font-mono break-all">{prefixTools ? `${slug || 'prefix'}__${tool}` : tool}</code>
      </p>
      {server.tools.length > 0 ? (
        <ToolSelection tools={server.tools} off={off} onChange={(next) => form.setValue('off', next)} />
      ) : null}
      <Advanced form={form} server={server} />
    </form>
  )
}

/** What the server asks of each of its users. */
function Credentials({ form, server }: Omit<ConfigureStepProps, 'onSubmit'>) {
  if (server.userCredentials.length === 0) return null
  return (
    <fieldset className="grid gap-4 rounded-lg border border-line p-4">
      <legend className="px-1 text-sm font-medium">Your credentials</legend>
      <p className="-mt-2 text-[0.8125rem] text-muted">
        {server.userCredentials.some(({ kind }) => kind === 'env')
          ? 'Given to the process of this agent’s own sessions alone; encrypted, and never shown again.'
          : 'Sent with this agent’s calls to this server alone; encrypted, and never shown again.'}
      </p>
      {server.userCredentials.map((asked, index) => (
        <Field
          key={`${asked.kind} ${asked.name}`}
          label={<span className="font-mono text-[0.8125rem]">{asked.name}</span>}
          hint={asked.description}
          optional={!asked.required}
          error={form.formState.errors.credentials?.[index]?.value?.message}
        >
          {(box) => (
            <SecretInput {...box} {...form.register(`credentials.${index}.value`)} secret what={asked.name} />
          )}
        </Field>
      ))}
    </fieldset>
  )
}

const POLICIES = [
  { value: 'hold', label: 'Hold them back until I approve' },
  { value: 'warn', label: 'Let them through and tell me' },
]

/** Time-out, retries, limits and headers: what most connections leave as it is. Opens by itself when something in it is wrong. */
function Advanced({ form, server }: Omit<ConfigureStepProps, 'onSubmit'>) {
  const { errors } = form.formState
  const wrong = Boolean(
    errors.timeoutSeconds ||
      errors.retries ||
      errors.callsPerMinute ||
      errors.maxConcurrent ||
      errors.headers,
  )
  const number = (name: 'timeoutSeconds' | 'retries' | 'callsPerMinute' | 'maxConcurrent') => ({
    ...form.register(name),
    inputMode: 'numeric' as const,
    autoComplete: 'off',
  })
  return (
    <details key={wrong ? 'wrong' : 'fine'} open={wrong || undefined} className="group">
      <summary className="flex w-fit list-none items-center gap-1.5 rounded text-sm font-medium">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        Advanced
      </summary>
      <div className="mt-4 grid gap-4 sm:grid-cols-2">
        <Field
          label="Give up a call after (s)"
          error={errors.timeoutSeconds?.message}
          hint="Of silence; progress begins it anew."
        >
          {(box) => <Input {...box} {...number('timeoutSeconds')} />}
        </Field>
        <Field
          label="Tries again"
          error={errors.retries?.message}
          hint="Only where that cannot run a call twice."
        >
          {(box) => <Input {...box} {...number('retries')} />}
        </Field>
        <Field label="Calls a minute" optional error={errors.callsPerMinute?.message}>
          {(box) => <Input {...box} {...number('callsPerMinute')} />}
        </Field>
        <Field label="Calls at once" optional error={errors.maxConcurrent?.message}>
          {(box) => <Input {...box} {...number('maxConcurrent')} />}
        </Field>
        <Controller
          control={form.control}
          name="pinPolicy"
          render={({ field }) => (
            <Field label="Tools that change or are new" className="sm:col-span-2">
              {(box) => (
                <Select {...box} value={field.value} onValueChange={field.onChange} options={POLICIES} />
              )}
            </Field>
          )}
        />
        <Controller
          control={form.control}
          name="logArguments"
          render={({ field }) => (
            <label className="flex items-center gap-3 text-sm sm:col-span-2">
              <Switch checked={field.value} onCheckedChange={field.onChange} />
              Keep the arguments of calls in their log, with secrets taken out
            </label>
          )}
        />
        {server.takesHeaders ? <Headers form={form} /> : null}
      </div>
    </details>
  )
}

function Headers({ form }: Pick<ConfigureStepProps, 'form'>) {
  const rows = useFieldArray({ control: form.control, name: 'headers' })
  return (
    <fieldset className="grid gap-2 sm:col-span-2">
      <legend className="mb-1.5 text-sm font-medium">
        Headers of your own <span className="font-normal text-muted">optional</span>
      </legend>
      {rows.fields.map((row, index) => {
        const errors = form.formState.errors.headers?.[index]
        const number = index + 1
        return (
          <div key={row.id} className="grid gap-2 rounded-lg border border-line p-2.5">
            <div className="grid grid-cols-[minmax(0,1fr)_auto] gap-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto]">
              <Input
                {...form.register(`headers.${index}.name`)}
                aria-label={`Name of header ${number}`}
                aria-invalid={errors?.name ? true : undefined}
                placeholder="X-Api-Key"
                className="font-mono text-sm"
                autoComplete="off"
                spellCheck={false}
              />
              <div className="max-sm:order-last max-sm:col-span-2">
                <SecretInput
                  {...form.register(`headers.${index}.value`)}
                  secret
                  what={`value of header ${number}`}
                  aria-label={`Value of header ${number}`}
                  aria-invalid={errors?.value ? true : undefined}
                />
              </div>
              <Button
                variant="danger-quiet"
                size="icon"
                aria-label={`Remove header ${number}`}
                onClick={() => rows.remove(index)}
              >
                <Trash2 aria-hidden />
              </Button>
            </div>
            <FieldError error={errors?.name?.message ?? errors?.value?.message} />
          </div>
        )
      })}
      <Button size="sm" className="w-fit" onClick={() => rows.append({ name: '', value: '' })}>
        <Plus aria-hidden />
        Add header
      </Button>
    </fieldset>
  )
}
