'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { Controller, useForm } from 'react-hook-form'
import { z } from 'zod'
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
import { InviteUser, Role } from '#contracts/users.ts'

const InviteForm = InviteUser.pick({ email: true }).extend({ name: z.string().trim().max(100), role: Role })
type InviteValues = z.infer<typeof InviteForm>

function OpenInviteDialog({ onClose }: { onClose: () => void }) {
  const utils = trpc.useUtils()
  const form = useForm<InviteValues>({
    defaultValues: { email: '', name: '', role: 'USER' },
    resolver: zodResolver(InviteForm),
  })
  const invite = trpc.users.invite.useMutation({
    onSuccess: () => utils.users.list.invalidate(),
    onError: (error) => showFieldErrors(form, error, { EMAIL_TAKEN: 'email' }),
  })
  const { errors } = form.formState
  const invited = invite.data
  if (invited)
    return (
      <Dialog
        open
        onOpenChange={onClose}
        modalOnly
        title={`${invited.email} was added`}
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <div className="grid gap-4">
          <p className="text-sm text-muted">
            Hand the password over on a way you trust; it can be changed in the settings after the sign-in.
          </p>
          {invited.password ? <SecretOnce secret={invited.password} what="password" /> : null}
        </div>
      </Dialog>
    )
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Add a user"
      description="A first password is made and shown to you once."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="invite-form" variant="primary" busy={invite.isPending}>
            Add user
          </Button>
        </>
      }
    >
      <form
        id="invite-form"
        noValidate
        className="grid gap-4"
        onSubmit={form.handleSubmit(({ name, ...values }) =>
          invite.mutate(name ? { ...values, name } : values),
        )}
      >
        <Field label="E-mail" error={errors.email?.message}>
          {(box) => <Input {...box} {...form.register('email')} type="email" autoComplete="off" />}
        </Field>
        <Field label="Name" optional error={errors.name?.message}>
          {(box) => <Input {...box} {...form.register('name')} autoComplete="off" />}
        </Field>
        <Controller
          control={form.control}
          name="role"
          render={({ field }) => (
            <Field label="Role">
              {(box) => (
                <Select
                  {...box}
                  value={field.value}
                  onValueChange={field.onChange}
                  options={[
                    { value: 'USER', label: 'User', hint: 'Connects agents to servers' },
                    { value: 'ADMIN', label: 'Admin', hint: 'Deploys servers and manages everything' },
                  ]}
                />
              )}
            </Field>
          )}
        />
        {invite.error ? <FailureNotice failure={readFailure(invite.error)} /> : null}
      </form>
    </Dialog>
  )
}

export function InviteDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return open ? <OpenInviteDialog onClose={onClose} /> : null
}
