'use client'

import { zodResolver } from '@hookform/resolvers/zod'
import { ToggleGroup } from 'radix-ui'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { z } from 'zod'
import { DROPLET_FORM, DropletFields } from '#app/components/toolboxes/droplet-fields.tsx'
import { EnrollmentSteps } from '#app/components/toolboxes/enrollment-steps.tsx'
import { useAddDroplet } from '#app/components/toolboxes/use-add-droplet.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import { Name } from '#contracts/names.ts'
import type { Enrollment } from '#contracts/toolboxes.ts'

const Form = z.object({ name: Name })
const FORM_ID = 'add-toolbox'

type Kind = 'host' | 'droplet'

/** Makes a toolbox: for a machine that is there already, showing this once how to install its agent, or on a droplet. */
export function AddToolboxDialog({ onClose }: { onClose: () => void }) {
  const [enrollment, setEnrollment] = useState<Enrollment | null>(null)
  const [name, setName] = useState('')
  const [kind, setKind] = useState<Kind>('host')
  const adding = useAddDroplet(kind === 'droplet', onClose)
  const utils = trpc.useUtils()
  const form = useForm<z.infer<typeof Form>>({ defaultValues: { name: '' }, resolver: zodResolver(Form) })
  const create = trpc.toolboxes.create.useMutation({
    onSuccess: (answer) => {
      setEnrollment(answer.enrollment)
      setName(answer.toolbox.name)
      return utils.toolboxes.list.invalidate()
    },
  })
  if (enrollment) return <EnrollmentDialog enrollment={enrollment} name={name} onClose={onClose} />
  const failure = create.error ? readFailure(create.error) : null
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Add a toolbox"
      description={
        kind === 'host'
          ? 'Any Linux machine: you run one command on it, and it enrols here.'
          : 'A machine that Toolberth orders at DigitalOcean, sets up, and destroys with its toolbox.'
      }
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          {kind === 'host' ? (
            <Button type="submit" form={FORM_ID} variant="primary" busy={create.isPending}>
              Add toolbox
            </Button>
          ) : (
            <Button
              type="submit"
              form={DROPLET_FORM}
              variant="primary"
              busy={adding.create.isPending}
              disabled={!adding.canSubmit}
            >
              Make droplet
            </Button>
          )}
        </>
      }
    >
      <KindChoice kind={kind} onChange={setKind} />
      {kind === 'droplet' ? (
        <DropletFields adding={adding} />
      ) : (
        <form
          id={FORM_ID}
          noValidate
          className="grid gap-4"
          onSubmit={form.handleSubmit((input) => create.mutate({ kind: 'host', ...input }))}
        >
          <Field
            label="Name"
            hint="Lower-case letters, digits and dashes, such as office-server."
            error={form.formState.errors.name?.message ?? failure?.fields.name?.[0]}
          >
            {(box) => <Input {...box} {...form.register('name')} autoComplete="off" />}
          </Field>
          {failure && !failure.fields.name ? <FailureNotice failure={failure} /> : null}
        </form>
      )}
    </Dialog>
  )
}

function KindChoice({ kind, onChange }: { kind: Kind; onChange: (kind: Kind) => void }) {
  return (
    <ToggleGroup.Root
      type="single"
      aria-label="Which machine"
      value={kind}
      onValueChange={(next) => next && onChange(next as Kind)}
      className="mb-5 flex gap-1 rounded-xl bg-sunken p-1"
    >
      {(
        [
          ['host', 'A machine you have'],
          ['droplet', 'A new droplet'],
        ] as const
      ).map(([value, label]) => (
        <ToggleGroup.Item
          key={value}
          value={value}
          className="h-9 flex-1 rounded-lg px-3 text-sm text-muted transition-colors hover:text-ink data-[state=on]:bg-surface data-[state=on]:font-medium data-[state=on]:text-ink data-[state=on]:shadow-card"
        >
          {label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  )
}

/** How to install the agent, with its one-time token. Closes by its button alone, for the token is not shown again. */
export function EnrollmentDialog(props: { enrollment: Enrollment; name: string; onClose: () => void }) {
  return (
    <Dialog
      open
      wide
      modalOnly
      onOpenChange={props.onClose}
      title={`Install the agent of ${props.name}`}
      footer={
        <Button variant="primary" onClick={props.onClose}>
          Done
        </Button>
      }
    >
      <EnrollmentSteps enrollment={props.enrollment} />
    </Dialog>
  )
}
