'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { Controller, useForm } from 'react-hook-form'
import type { z } from 'zod'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { showFieldErrors } from '#app/components/ui/form-failure.ts'
import { Input } from '#app/components/ui/input.tsx'
import { SecretOnce } from '#app/components/ui/secret-once.tsx'
import { Select } from '#app/components/ui/select.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import { CreateApiKey } from '#contracts/users.ts'

const LIFETIMES = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'never', label: 'Never expires' },
]

export function CreateKeyDialog({ onClose }: { onClose: () => void }) {
  const utils = trpc.useUtils()
  const form = useForm<z.input<typeof CreateApiKey>, unknown, z.output<typeof CreateApiKey>>({
    defaultValues: { name: '', expiresInDays: 90 },
    resolver: zodResolver(CreateApiKey),
  })
  const create = trpc.apiKeys.create.useMutation({
    onSuccess: () => utils.apiKeys.list.invalidate(),
    onError: (error) => showFieldErrors(form, error),
  })
  if (create.data)
    return (
      <Dialog
        open
        onOpenChange={onClose}
        modalOnly
        title={`The key ${create.data.name} is ready`}
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <SecretOnce secret={create.data.key} what="key" />
      </Dialog>
    )
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Create an API key"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="key-form" variant="primary" busy={create.isPending}>
            Create key
          </Button>
        </>
      }
    >
      <form
        id="key-form"
        noValidate
        className="grid gap-4"
        onSubmit={form.handleSubmit((values) => create.mutate(values))}
      >
        <Field label="Name" hint="What it is for." error={form.formState.errors.name?.message}>
          {(box) => <Input {...box} {...form.register('name')} autoComplete="off" />}
        </Field>
        <Controller
          control={form.control}
          name="expiresInDays"
          render={({ field }) => (
            <Field label="Expires after" error={form.formState.errors.expiresInDays?.message}>
              {(box) => (
                <Select
                  {...box}
                  value={field.value === null ? 'never' : String(field.value)}
                  onValueChange={(next) => field.onChange(next === 'never' ? null : Number(next))}
                  options={LIFETIMES}
                />
              )}
            </Field>
          )}
        />
        {create.error ? <FailureNotice failure={readFailure(create.error)} /> : null}
      </form>
    </Dialog>
  )
}
