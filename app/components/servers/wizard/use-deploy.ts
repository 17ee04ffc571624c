'use client'

import { useRouter } from 'next/navigation'
import type { UseFormReturn } from 'react-hook-form'
import { toDeployInput } from '#app/components/servers/deploy-input.ts'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { dropDraft } from '#app/components/servers/draft.ts'
import { type DeployFieldName, fieldOf } from '#app/components/servers/form-check.ts'
import { type StepId, stepOf } from '#app/components/servers/wizard/steps.ts'
import { trpc } from '#app/trpc/client.ts'
import { readFailure, type ShownFailure } from '#app/trpc/failure.ts'

export const WIZARD_DRAFT = 'deploy'

/** Codes of the catalogue that are about one box. */
const CODE_FIELDS: Record<string, keyof DeployValues> = {
  NAME_TAKEN: 'name',
  SOURCE_UNSUPPORTED: 'sourceType',
  TOOLBOX_NOT_FOUND: 'toolboxId',
  TOOLBOX_NOT_ACTIVE: 'toolboxId',
  TOOLBOX_FULL: 'toolboxId',
  NO_TOOLBOX_AVAILABLE: 'toolboxId',
}

/** Puts a refusal at the boxes that it is about; answers the first of them. */
function showAtFields(
  form: UseFormReturn<DeployValues>,
  failure: ShownFailure,
  values: DeployValues,
): DeployFieldName | null {
  const found: [DeployFieldName, string][] = Object.entries(failure.fields).flatMap(([path, [message]]) => {
    const field = fieldOf(path, values)
    return field && message ? [[field, message]] : []
  })
  const code = CODE_FIELDS[failure.code]
  if (code && found.length === 0) found.push([code, failure.detail ?? failure.text])
  for (const [field, message] of found) form.setError(field, { type: 'server', message })
  return found[0]?.[0] ?? null
}

/**
 * Deploys what the wizard holds and leads to the live progress; a refusal leads to the step that it is about instead, and
 * everything that was typed stays.
 */
export function useDeploy(form: UseFormReturn<DeployValues>, goTo: (step: StepId) => void) {
  const router = useRouter()
  const utils = trpc.useUtils()
  const deploy = trpc.servers.deploy.useMutation({
    onSuccess: ({ serverId, deploymentId }) => {
      dropDraft(WIZARD_DRAFT)
      void utils.servers.list.invalidate()
      void utils.status.overview.invalidate()
      router.push(`/admin/servers/${serverId}/deployments/${deploymentId}`)
    },
  })
  return {
    busy: deploy.isPending || deploy.isSuccess,
    failure: deploy.error ? readFailure(deploy.error) : null,
    reset: () => deploy.reset(),
    deploy: (values: DeployValues) =>
      deploy.mutate(toDeployInput(values), {
        onError: (error) => {
          const field = showAtFields(form, readFailure(error), values)
          if (field) goTo(stepOf(field.split('.')[0] as keyof DeployValues))
        },
      }),
  }
}
