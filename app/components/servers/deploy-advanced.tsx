'use client'

import { ChevronRight } from 'lucide-react'
import { Controller, type UseFormReturn } from 'react-hook-form'
import type { DeployValues } from '#app/components/servers/deploy-form.ts'
import { Field } from '#app/components/ui/field.tsx'
import { Input, Textarea } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'

const PORT_HINTS = {
  env: 'Name of the variable that tells it its port.',
  arg: 'Argument that is followed by the port, such as "--port".',
  fixed: 'The port that it always listens on, 1024 to 65535.',
} as const

/** Where a server that speaks HTTP listens. */
export function HttpFields({ form }: { form: UseFormReturn<DeployValues> }) {
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

/** What most deployments leave as it is. Opens by itself when something in it is wrong. */
export function AdvancedFields({ form }: { form: UseFormReturn<DeployValues> }) {
  const { register, control, formState } = form
  const { errors } = formState
  const wrong = Boolean(errors.memoryMb || errors.cpus || errors.pids || errors.bin || errors.description)
  return (
    <details key={wrong ? 'wrong' : 'fine'} open={wrong || undefined} className="group">
      <summary className="flex w-fit list-none items-center gap-1.5 rounded text-sm font-medium">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        Advanced
      </summary>
      <div className="mt-4 grid gap-4 sm:grid-cols-3">
        <Field label="Memory (MiB)" error={errors.memoryMb?.message}>
          {(box) => <Input {...box} {...register('memoryMb')} inputMode="numeric" />}
        </Field>
        <Field label="CPU cores" error={errors.cpus?.message}>
          {(box) => <Input {...box} {...register('cpus')} inputMode="decimal" />}
        </Field>
        <Field label="Processes" error={errors.pids?.message}>
          {(box) => <Input {...box} {...register('pids')} inputMode="numeric" />}
        </Field>
        <Controller
          control={control}
          name="visibility"
          render={({ field }) => (
            <Field
              label="Who may use it"
              className="sm:col-span-3"
              hint={
                field.value === 'restricted'
                  ? 'Nobody until you grant it to users on its page.'
                  : 'Every user of this installation may connect agents to it.'
              }
            >
              {(box) => (
                <Select
                  {...box}
                  value={field.value}
                  onValueChange={field.onChange}
                  options={[
                    { value: 'everyone', label: 'Everyone' },
                    { value: 'restricted', label: 'Only users it is granted to' },
                  ]}
                />
              )}
            </Field>
          )}
        />
        <Field
          label="Executable"
          optional
          className="sm:col-span-3"
          hint="Needed when the package has more than one."
          error={errors.bin?.message}
        >
          {(box) => <Input {...box} {...register('bin')} className="font-mono text-sm" spellCheck={false} />}
        </Field>
        <Field label="Description" optional className="sm:col-span-3" error={errors.description?.message}>
          {(box) => <Textarea {...box} {...register('description')} rows={2} />}
        </Field>
      </div>
    </details>
  )
}
