'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useForm } from 'react-hook-form'
import type { z } from 'zod'
import { Button } from '#app/components/ui/button.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import { SetCloudToken } from '#contracts/droplets.ts'

/** Enters DigitalOcean's token, which is tried at once and never shown again. */
export function CloudTokenForm({ onSaved }: { onSaved?: () => void }) {
  const utils = trpc.useUtils()
  const form = useForm<z.infer<typeof SetCloudToken>>({
    defaultValues: { token: '' },
    resolver: zodResolver(SetCloudToken),
  })
  const save = trpc.cloud.setToken.useMutation({
    onSuccess: async () => {
      form.reset()
      await Promise.all([utils.cloud.status.invalidate(), utils.toolboxes.options.invalidate()])
      onSaved?.()
    },
  })
  return (
    <form
      noValidate
      className="grid gap-4"
      onSubmit={form.handleSubmit((input) => save.mutate(input))}
      aria-label="Token for DigitalOcean"
    >
      <Field
        label="API token of DigitalOcean"
        hint="Made there under API, with read and write access to droplets, firewalls and tags. It is tried at once, kept encrypted, and never shown again."
        error={form.formState.errors.token?.message}
      >
        {(box) => (
          <Input {...box} {...form.register('token')} type="password" autoComplete="off" spellCheck={false} />
        )}
      </Field>
      {save.error ? <FailureNotice failure={readFailure(save.error)} /> : null}
      <div>
        <Button type="submit" busy={save.isPending}>
          Try and save token
        </Button>
      </div>
    </form>
  )
}
