'use client'

import type { FormEvent } from 'react'
import { Controller, type UseFormReturn } from 'react-hook-form'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { Switch } from '#app/components/ui/switch.tsx'
import type { AvailableServer } from '#contracts/agents.ts'

export interface ConnectValues {
  slug: string
  prefixTools: boolean
}

interface ConfigureStepProps {
  form: UseFormReturn<ConnectValues>
  server: AvailableServer
  onSubmit: (event: FormEvent) => void
}

/** How the server's tools will be called at the agent's URL. */
export function ConfigureStep({ form, server, onSubmit }: ConfigureStepProps) {
  const { slug, prefixTools } = form.watch()
  const tool = server.tools[0]?.name ?? 'tool'
  return (
    <form id="connect-form" noValidate className="grid gap-5" onSubmit={onSubmit}>
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
    </form>
  )
}
