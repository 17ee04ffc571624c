'use client'

import { Controller, type UseFormReturn } from 'react-hook-form'
import { hasEnv } from '#app/components/servers/deploy-input.ts'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { EnvEditor } from '#app/components/servers/env-editor.tsx'
import { HeaderEditor } from '#app/components/servers/header-editor.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input, Textarea } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'

const PORT_HINTS = {
  env: 'Name of the variable that tells it its port.',
  arg: 'Argument that is followed by the port, such as "--port".',
  fixed: 'The port that it always listens on, 1024 to 65535.',
} as const

/** Where a server that speaks HTTP listens. */
function HttpFields({ form }: { form: UseFormReturn<DeployValues> }) {
  const { register, control, setValue, watch, formState } = form
  const portBy = watch('httpPortBy')
  return (
    <div className="grid gap-4 rounded-lg border border-line p-4 sm:grid-cols-2">
      <Field label="Endpoint path" error={formState.errors.httpPath?.message}>
        {(box) => <Input {...box} {...register('httpPath')} className="font-mono text-sm" />}
      </Field>
      <Controller
        control={control}
        name="httpPortBy"
        render={({ field }) => (
          <Field label="Port is given by">
            {(box) => (
              <Select
                {...box}
                value={field.value}
                onValueChange={(next) => {
                  field.onChange(next)
                  setValue('httpPort', next === 'env' ? 'PORT' : next === 'arg' ? '--port' : '3001')
                }}
                options={[
                  { value: 'env', label: 'Environment variable' },
                  { value: 'arg', label: 'Argument' },
                  { value: 'fixed', label: 'Fixed port' },
                ]}
              />
            )}
          </Field>
        )}
      />
      <Field
        label={portBy === 'env' ? 'Variable' : portBy === 'arg' ? 'Argument' : 'Port'}
        hint={PORT_HINTS[portBy]}
        error={formState.errors.httpPort?.message}
        className="sm:col-span-2"
      >
        {(box) => <Input {...box} {...register('httpPort')} className="font-mono text-sm" />}
      </Field>
    </div>
  )
}

/** How a process is started: arguments and transport. What a catalog entry brings and what runs elsewhere is not asked. */
export function ProcessFields({ form }: { form: UseFormReturn<DeployValues> }) {
  const { register, control, formState, watch } = form
  const { errors } = formState
  const source = watch('sourceType')
  if (source !== 'npm' && source !== 'image') return null
  return (
    <>
      <Field
        label="Arguments"
        optional
        hint="One a line, passed as they are; no shell reads them."
        error={errors.args?.message}
      >
        {(box) => (
          <Textarea
            {...box}
            {...register('args')}
            rows={2}
            className="font-mono text-sm"
            spellCheck={false}
          />
        )}
      </Field>
      <Controller
        control={control}
        name="transport"
        render={({ field }) => (
          <Field label="Transport" error={errors.transport?.message} className="sm:max-w-xs">
            {(box) => (
              <Select
                {...box}
                value={field.value}
                onValueChange={field.onChange}
                options={[
                  { value: 'stdio', label: 'stdio', hint: 'Standard input and output. Most packages.' },
                  { value: 'streamable-http', label: 'Streamable HTTP', hint: 'It listens on a port.' },
                ]}
              />
            )}
          </Field>
        )}
      />
      {watch('transport') === 'streamable-http' ? <HttpFields form={form} /> : null}
    </>
  )
}

/** What the server is given: variables of a process, headers of what runs elsewhere. */
export function GivenFields({ form }: { form: UseFormReturn<DeployValues> }) {
  const [sourceType, catalogRuns] = form.watch(['sourceType', 'catalogRuns'])
  return hasEnv({ sourceType, catalogRuns }) ? <EnvEditor form={form} /> : <HeaderEditor form={form} />
}
