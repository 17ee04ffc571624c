'use client'

import type { UseFormReturn } from 'react-hook-form'
import { AccessFields, NameFields } from '#app/components/servers/access-fields.tsx'
import { AdvancedFields } from '#app/components/servers/advanced-fields.tsx'
import { AskedFields } from '#app/components/servers/asked-fields.tsx'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { GivenFields, ProcessFields } from '#app/components/servers/run-fields.tsx'
import { UserCredentialFields } from '#app/components/servers/user-credential-fields.tsx'

/** What the server runs with, and who may use it. */
export function ConfigurationStep({ form }: { form: UseFormReturn<DeployValues> }) {
  return (
    <>
      <NameFields form={form} />
      <AskedFields form={form} />
      <ProcessFields form={form} />
      <GivenFields form={form} />
      <UserCredentialFields form={form} />
      <AccessFields form={form} />
      <AdvancedFields form={form} />
    </>
  )
}
