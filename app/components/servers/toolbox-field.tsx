'use client'

import { Controller, type UseFormReturn } from 'react-hook-form'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { askedOf, whyNot } from '#app/components/servers/toolbox-fit.ts'
import { Field } from '#app/components/ui/field.tsx'
import { formatBytes } from '#app/components/ui/format.ts'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { ServerDetail } from '#contracts/servers.ts'

interface ToolboxFieldProps {
  form: UseFormReturn<DeployValues>
  /** Where the server is now. */
  current: ServerDetail['toolbox']
}

/** Where a server shall run from now on: it is moved by a deployment, and serves where it is until that is live. */
export function ToolboxField({ form, current }: ToolboxFieldProps) {
  const toolboxes = trpc.toolboxes.list.useQuery()
  const [sourceType, catalogRuns, memoryMb, cpus] = form.watch([
    'sourceType',
    'catalogRuns',
    'memoryMb',
    'cpus',
  ])
  const asked = askedOf({ sourceType, catalogRuns, memoryMb, cpus })
  const others = (toolboxes.data?.items ?? []).filter(({ id }) => id !== current?.id)
  if (!current || others.length === 0) return null
  return (
    <Controller
      control={form.control}
      name="toolboxId"
      render={({ field }) => (
        <Field
          label="Toolbox"
          hint="Another one moves it there: it serves where it is until it is live on the other. Declared data stays behind."
          error={form.formState.errors.toolboxId?.message}
        >
          {(box) => (
            <Select
              {...box}
              value={field.value}
              onValueChange={field.onChange}
              options={[
                { value: current.id, label: current.name, hint: 'Where it is now' },
                ...others.map((toolbox) => {
                  const reason = whyNot(toolbox, asked)
                  const room = toolbox.room
                    ? `${formatBytes(toolbox.room.memoryMb * 1024 * 1024)} of memory left`
                    : undefined
                  return {
                    value: toolbox.id,
                    label: toolbox.name,
                    hint: reason ?? room,
                    disabled: reason !== null,
                  }
                }),
              ]}
            />
          )}
        </Field>
      )}
    />
  )
}
