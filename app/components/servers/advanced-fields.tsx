'use client'

import { ChevronRight } from 'lucide-react'
import type { UseFormReturn } from 'react-hook-form'
import { type DeployValues, runsOf } from '#app/components/servers/deploy-values.ts'
import { Field } from '#app/components/ui/field.tsx'
import { Input, Textarea } from '#app/components/ui/input.tsx'

/** Limits, kept data and draining: what most deployments leave as it is. Opens by itself when something in it is wrong. */
export function AdvancedFields({ form }: { form: UseFormReturn<DeployValues> }) {
  const { register, formState, watch } = form
  const { errors } = formState
  const wrong = Boolean(errors.memoryMb || errors.cpus || errors.pids || errors.data || errors.drainSeconds)
  const [sourceType, catalogRuns] = watch(['sourceType', 'catalogRuns'])
  const remote = runsOf({ sourceType, catalogRuns }) === 'remote'
  return (
    <details key={wrong ? 'wrong' : 'fine'} open={wrong || undefined} className="group">
      <summary className="flex w-fit list-none items-center gap-1.5 rounded text-sm font-medium">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        Advanced
      </summary>
      <div className="mt-4 grid gap-4 sm:grid-cols-3">
        {remote ? null : (
          <>
            <Field label="Memory (MiB)" error={errors.memoryMb?.message}>
              {(box) => <Input {...box} {...register('memoryMb')} inputMode="numeric" />}
            </Field>
            <Field label="CPU cores" error={errors.cpus?.message}>
              {(box) => <Input {...box} {...register('cpus')} inputMode="decimal" />}
            </Field>
            <Field label="Processes" error={errors.pids?.message}>
              {(box) => <Input {...box} {...register('pids')} inputMode="numeric" />}
            </Field>
            <Field
              label="Keep data in"
              optional
              className="sm:col-span-3"
              hint="Absolute paths, one a line. What is written there outlives every update and goes with the server. A server with data is replaced one after the other, not side by side."
              error={errors.data?.message}
            >
              {(box) => (
                <Textarea
                  {...box}
                  {...register('data')}
                  rows={2}
                  placeholder="/data"
                  className="font-mono text-sm"
                  spellCheck={false}
                />
              )}
            </Field>
          </>
        )}
        <Field
          label="Drain (seconds)"
          className="sm:col-span-3"
          hint="How long calls that were begun may go on once a new revision has taken over."
          error={errors.drainSeconds?.message}
        >
          {(box) => (
            <Input {...box} {...register('drainSeconds')} inputMode="numeric" className="sm:max-w-40" />
          )}
        </Field>
      </div>
    </details>
  )
}
