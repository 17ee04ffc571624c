'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useForm } from 'react-hook-form'
import type { z } from 'zod'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { showFieldErrors } from '#app/components/ui/form-failure.ts'
import { Input } from '#app/components/ui/input.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import { type Registry, SetRegistry } from '#contracts/registries.ts'

/** Enters the credentials of a registry, or replaces those that it has. */
export function RegistryDialog({ registry, onClose }: { registry: Registry | null; onClose: () => void }) {
  const utils = trpc.useUtils()
  const form = useForm<z.input<typeof SetRegistry>, unknown, z.output<typeof SetRegistry>>({
    defaultValues: { host: registry?.host ?? '', username: registry?.username ?? '', password: '' },
    resolver: zodResolver(SetRegistry),
  })
  const set = trpc.registries.set.useMutation({
    onSuccess: () => {
      onClose()
      return utils.registries.list.invalidate()
    },
    onError: (error) => showFieldErrors(form, error),
  })
  const { errors } = form.formState
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={registry ? `Replace the credentials of ${registry.host}` : 'Add credentials of a registry'}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="registry-form" variant="primary" busy={set.isPending}>
            Save
          </Button>
        </>
      }
    >
      <form
        id="registry-form"
        noValidate
        className="grid gap-4"
        onSubmit={form.handleSubmit((values) => set.mutate(values))}
      >
        <Field
          label="Registry"
          hint="As in the name of its images, such as ghcr.io; docker.io is Docker Hub."
          error={errors.host?.message}
        >
          {(box) => (
            <Input
              {...box}
              {...form.register('host')}
              readOnly={registry !== null}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
            />
          )}
        </Field>
        <Field label="User name" error={errors.username?.message}>
          {(box) => <Input {...box} {...form.register('username')} autoComplete="off" spellCheck={false} />}
        </Field>
        <Field
          label="Password or access token"
          hint="Better a token that may only read. It is encrypted and never shown again."
          error={errors.password?.message}
        >
          {(box) => (
            <Input {...box} {...form.register('password')} type="password" autoComplete="new-password" />
          )}
        </Field>
        {set.error ? <FailureNotice failure={readFailure(set.error)} /> : null}
      </form>
    </Dialog>
  )
}
