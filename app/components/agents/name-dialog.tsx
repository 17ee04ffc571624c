'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { useForm } from 'react-hook-form'
import type { z } from 'zod'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { readFailure } from '#app/trpc/failure.ts'
import { CreateAgent } from '#contracts/agents.ts'

interface NameDialogProps {
  title: string
  description?: string
  /** The verb on the button. */
  submit: string
  name: string
  busy: boolean
  error: unknown
  onSubmit: (name: string) => void
  onClose: () => void
}

/** Asks for the name of an agent. */
export function NameDialog(props: NameDialogProps) {
  const form = useForm<z.infer<typeof CreateAgent>>({
    defaultValues: { name: props.name },
    resolver: zodResolver(CreateAgent),
  })
  const failure = props.error ? readFailure(props.error) : null
  const fieldError = form.formState.errors.name?.message ?? failure?.fields.name?.[0]
  return (
    <Dialog
      open
      onOpenChange={props.onClose}
      title={props.title}
      description={props.description}
      footer={
        <>
          <Button onClick={props.onClose}>Cancel</Button>
          <Button type="submit" form="agent-form" variant="primary" busy={props.busy}>
            {props.submit}
          </Button>
        </>
      }
    >
      <form
        id="agent-form"
        noValidate
        className="grid gap-4"
        onSubmit={form.handleSubmit(({ name }) => props.onSubmit(name))}
      >
        <Field label="Name" hint="Such as the machine or the client it is for." error={fieldError}>
          {(box) => <Input {...box} {...form.register('name')} autoComplete="off" />}
        </Field>
        {failure && !failure.fields.name ? <FailureNotice failure={failure} /> : null}
      </form>
    </Dialog>
  )
}
