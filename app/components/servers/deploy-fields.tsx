'use client'

import { Controller, type UseFormReturn } from 'react-hook-form'
import { AdvancedFields, HttpFields } from '#app/components/servers/deploy-advanced.tsx'
import { AUTOMATIC, type DeployValues, suggestName } from '#app/components/servers/deploy-form.ts'
import { EnvEditor } from '#app/components/servers/env-editor.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { formatBytes } from '#app/components/ui/format.ts'
import { Input, Textarea } from '#app/components/ui/input.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'

interface DeployFieldsProps {
  form: UseFormReturn<DeployValues>
  /** Of a server that is there: name and toolbox stay. */
  editing?: boolean
}

/** The boxes of the dialogs that deploy and edit, the common ones first. */
export function DeployFields({ form, editing = false }: DeployFieldsProps) {
  const { register, control, formState, setValue, watch, getFieldState } = form
  const { errors } = formState
  const toolboxes = trpc.toolboxes.list.useQuery(undefined, { enabled: !editing })
  const usable = toolboxes.data?.items.filter((toolbox) => toolbox.state === 'active') ?? []
  const packageBox = register('package', {
    onChange: (event) => {
      // A name that was typed by hand is left alone.
      if (editing || getFieldState('name', formState).isDirty) return
      setValue('name', suggestName(String(event.target.value)), { shouldValidate: formState.isSubmitted })
    },
  })
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_9rem]">
        <Field label="npm package" error={errors.package?.message}>
          {(box) => (
            <Input
              {...box}
              {...packageBox}
              placeholder="@modelcontextprotocol/server-everything"
              className="font-mono text-sm"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          )}
        </Field>
        <Field label="Version" optional error={errors.version?.message}>
          {(box) => (
            <Input {...box} {...register('version')} placeholder="latest" className="font-mono text-sm" />
          )}
        </Field>
      </div>
      {editing ? null : (
        <Field
          label="Name"
          hint="3 to 40 lower-case letters, digits and dashes. Users see it."
          error={errors.name?.message}
        >
          {(box) => (
            <Input
              {...box}
              {...register('name')}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          )}
        </Field>
      )}
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
      <div className="grid gap-4 sm:grid-cols-2">
        <Controller
          control={control}
          name="transport"
          render={({ field }) => (
            <Field label="Transport" error={errors.transport?.message}>
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
        {editing ? null : (
          <Controller
            control={control}
            name="toolboxId"
            render={({ field }) => (
              <Field label="Toolbox" error={errors.toolboxId?.message}>
                {(box) => (
                  <Select
                    {...box}
                    value={field.value}
                    onValueChange={field.onChange}
                    options={[
                      { value: AUTOMATIC, label: 'Automatic', hint: 'The active one with the most room' },
                      ...usable.map((toolbox) => ({
                        value: toolbox.id,
                        label: toolbox.name,
                        hint: toolbox.host
                          ? `${formatBytes(toolbox.host.memoryFreeBytes)} of memory free`
                          : undefined,
                      })),
                    ]}
                  />
                )}
              </Field>
            )}
          />
        )}
      </div>
      {toolboxes.data && usable.length === 0 ? (
        <p role="status" className="rounded-lg bg-warn-soft px-3.5 py-2.5 text-sm text-warn">
          No toolbox is active at the moment, so this deployment would be refused.
        </p>
      ) : null}
      {watch('transport') === 'streamable-http' ? <HttpFields form={form} /> : null}
      <EnvEditor form={form} />
      <AdvancedFields form={form} />
    </>
  )
}
