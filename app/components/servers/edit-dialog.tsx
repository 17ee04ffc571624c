'use client'

import { ArrowLeft } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { toast } from 'sonner'
import { ChangeList } from '#app/components/servers/change-list.tsx'
import { DeployFields } from '#app/components/servers/deploy-fields.tsx'
import { type DeployValues, fieldOf, valuesOf } from '#app/components/servers/deploy-form.ts'
import { changesBetween, editResolver, toUpdateInput } from '#app/components/servers/edit-form.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure } from '#app/trpc/failure.ts'
import type { ServerDetail } from '#contracts/servers.ts'

interface EditDialogProps {
  open: boolean
  onClose: () => void
  server: ServerDetail
}

function OpenEditDialog({ onClose, server: shown }: Omit<EditDialogProps, 'open'>) {
  // What it was opened with: the page may learn of a newer revision meanwhile, and the server then refuses this change.
  const [server] = useState(shown)
  const [before] = useState(() => valuesOf(shown))
  const [reviewed, setReviewed] = useState<DeployValues | null>(null)
  const utils = trpc.useUtils()
  const form = useForm<DeployValues>({ defaultValues: before, resolver: editResolver(server) })
  const changes = reviewed ? changesBetween(before, reviewed) : []
  const deploys = changes.some((change) => change.deploys)
  const update = trpc.servers.update.useMutation({
    onSuccess: ({ deployment, revisionNumber }) => {
      void utils.servers.get.invalidate({ id: server.id })
      void utils.servers.list.invalidate()
      toast.success(
        deployment ? `Revision ${revisionNumber} is being deployed` : `${server.name} was changed`,
      )
      onClose()
    },
    onError: (error) => {
      const fields = Object.entries(readFailure(error).fields)
      for (const [path, [message]] of fields) {
        const field = fieldOf(path, form.getValues())
        if (field && message) form.setError(field, { message })
      }
      if (fields.length > 0) setReviewed(null)
    },
  })
  const review = form.handleSubmit((values) => {
    update.reset()
    setReviewed(structuredClone(values))
  })
  const confirm = () => {
    if (reviewed && changes.length > 0) update.mutate(toUpdateInput(server, reviewed))
  }
  return (
    <Dialog
      open
      onOpenChange={onClose}
      wide
      title={reviewed ? `Change ${server.name}?` : `Edit ${server.name}`}
      description={
        reviewed
          ? deploys
            ? 'The new revision starts beside the one that serves, and takes over once it has answered a real MCP handshake.'
            : 'This holds at once; nothing is deployed.'
          : 'Nothing changes before you have seen what will.'
      }
      footer={
        reviewed ? (
          <>
            <Button onClick={() => setReviewed(null)}>
              <ArrowLeft aria-hidden />
              Back
            </Button>
            <Button
              variant="primary"
              busy={update.isPending}
              disabled={changes.length === 0}
              onClick={confirm}
            >
              {deploys ? 'Deploy changes' : 'Save changes'}
            </Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" form="edit-form" variant="primary">
              Review changes
            </Button>
          </>
        )
      }
    >
      {reviewed ? <ChangeList changes={changes} /> : null}
      {/* Stays mounted, so that going back finds every box as it was. */}
      <form id="edit-form" onSubmit={review} noValidate hidden={reviewed !== null}>
        <div className="grid gap-5">
          <DeployFields form={form} editing />
          {form.formState.errors.root?.message ? (
            <p role="alert" className="text-sm text-bad">
              {form.formState.errors.root.message}
            </p>
          ) : null}
        </div>
      </form>
      {update.error ? <FailureNotice failure={readFailure(update.error)} className="mt-5" /> : null}
    </Dialog>
  )
}

/** Edits what a server runs with, and shows what changes before it is confirmed. */
export function EditDialog({ open, ...props }: EditDialogProps) {
  return open ? <OpenEditDialog {...props} /> : null
}
