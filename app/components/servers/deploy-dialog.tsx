'use client'

import { useRouter } from 'next/navigation'
import { useForm } from 'react-hook-form'
import { DeployFields } from '#app/components/servers/deploy-fields.tsx'
import {
  type DeployValues,
  deployResolver,
  EMPTY_DEPLOY,
  fieldOf,
  toDeployInput,
} from '#app/components/servers/deploy-form.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Dialog } from '#app/components/ui/dialog.tsx'
import { FailureNotice } from '#app/components/ui/failure-notice.tsx'
import { trpc } from '#app/trpc/client.ts'
import { readFailure, type ShownFailure } from '#app/trpc/failure.ts'

/** Codes of the catalogue that are about one box of this dialog. */
const CODE_FIELDS: Record<string, keyof DeployValues> = {
  NAME_TAKEN: 'name',
  TOOLBOX_NOT_FOUND: 'toolboxId',
  TOOLBOX_NOT_ACTIVE: 'toolboxId',
  TOOLBOX_FULL: 'toolboxId',
}

interface DeployDialogProps {
  open: boolean
  onClose: () => void
}

function OpenDeployDialog({ onClose }: Omit<DeployDialogProps, 'open'>) {
  const router = useRouter()
  const utils = trpc.useUtils()
  const form = useForm<DeployValues>({ defaultValues: EMPTY_DEPLOY, resolver: deployResolver })

  const showFields = (failure: ShownFailure, values: DeployValues) => {
    for (const [path, [message]] of Object.entries(failure.fields)) {
      const field = fieldOf(path, values)
      if (field && message) form.setError(field, { message })
    }
    const field = CODE_FIELDS[failure.code]
    if (field) form.setError(field, { message: failure.text }, { shouldFocus: true })
  }
  const deploy = trpc.servers.deploy.useMutation({
    onSuccess: ({ serverId }) => {
      void utils.servers.list.invalidate()
      void utils.status.overview.invalidate()
      router.push(`/admin/servers/${serverId}`)
    },
  })
  const submit = form.handleSubmit((values) =>
    deploy.mutate(toDeployInput(values), { onError: (error) => showFields(readFailure(error), values) }),
  )

  return (
    <Dialog
      open
      onOpenChange={onClose}
      wide
      title="Deploy an MCP server"
      description="It goes live once it has answered a real MCP handshake."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            form="deploy-form"
            variant="primary"
            busy={deploy.isPending || deploy.isSuccess}
          >
            Deploy
          </Button>
        </>
      }
    >
      <form id="deploy-form" onSubmit={submit} noValidate className="grid gap-5">
        <DeployFields form={form} />
        {deploy.error ? (
          <FailureNotice failure={readFailure(deploy.error)} onRetry={() => void submit()} />
        ) : null}
        {form.formState.errors.root?.message ? (
          <p role="alert" className="text-sm text-bad">
            {form.formState.errors.root.message}
          </p>
        ) : null}
      </form>
    </Dialog>
  )
}

/** Asks for what is to be deployed, then leads to the new server, where its deployment is followed live. */
export function DeployDialog({ open, ...props }: DeployDialogProps) {
  return open ? <OpenDeployDialog {...props} /> : null
}
