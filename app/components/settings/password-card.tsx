'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { showFieldErrors } from '#app/components/ui/form-failure.ts'
import { Input } from '#app/components/ui/input.tsx'
import { trpc } from '#app/trpc/client.ts'
import { leave } from '#app/trpc/end-session.ts'
import { readFailure } from '#app/trpc/failure.ts'
import { ChangePassword } from '#contracts/users.ts'

const PasswordForm = ChangePassword.extend({
  current: z.string().min(1, 'Enter your current password.').max(256),
  repeat: z.string(),
}).refine((values) => values.next === values.repeat, {
  path: ['repeat'],
  message: 'This is not the same as the new password.',
})
type PasswordValues = z.infer<typeof PasswordForm>

export function PasswordCard() {
  const form = useForm<PasswordValues>({
    defaultValues: { current: '', next: '', repeat: '' },
    resolver: zodResolver(PasswordForm),
  })
  const change = trpc.users.changePassword.useMutation({
    // The change ends every session of the account, this one too.
    onSuccess: () => leave('/sign-in?changed=1'),
    onError: (error) => showFieldErrors(form, error, { CREDENTIALS_INVALID: 'current' }),
  })
  const { errors } = form.formState
  const wrongPassword = change.error && readFailure(change.error).code === 'CREDENTIALS_INVALID'
  return (
    <Card>
      <CardHeader title="Password" hint="Changing it signs you out everywhere." />
      <form
        noValidate
        className="grid gap-4 px-4 py-4 sm:max-w-md sm:px-5"
        onSubmit={form.handleSubmit(({ current, next }) => change.mutate({ current, next }))}
      >
        <Field
          label="Current password"
          error={wrongPassword ? 'This is not your password.' : errors.current?.message}
        >
          {(box) => (
            <Input {...box} {...form.register('current')} type="password" autoComplete="current-password" />
          )}
        </Field>
        <Field label="New password" hint="At least 12 characters." error={errors.next?.message}>
          {(box) => <Input {...box} {...form.register('next')} type="password" autoComplete="new-password" />}
        </Field>
        <Field label="New password again" error={errors.repeat?.message}>
          {(box) => (
            <Input {...box} {...form.register('repeat')} type="password" autoComplete="new-password" />
          )}
        </Field>
        {change.error && !wrongPassword ? <FailureNotice failure={readFailure(change.error)} /> : null}
        <Button
          type="submit"
          variant="primary"
          busy={change.isPending || change.isSuccess}
          className="justify-self-start"
        >
          Change password
        </Button>
      </form>
    </Card>
  )
}
