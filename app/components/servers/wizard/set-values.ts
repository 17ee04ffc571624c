import type { UseFormReturn } from 'react-hook-form'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'

/** Fills the whole form anew; what was said to be wrong before is forgotten. */
export function setValues(form: UseFormReturn<DeployValues>, values: DeployValues): void {
  form.clearErrors()
  for (const [field, value] of Object.entries(values) as [keyof DeployValues, never][])
    form.setValue(field, value)
}
