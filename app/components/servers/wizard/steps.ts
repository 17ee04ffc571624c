import type { FieldErrors } from 'react-hook-form'
import { type DeployValues, EMPTY_DEPLOY } from '#app/components/servers/deploy-values.ts'
import { checkDeploy, errorsOf } from '#app/components/servers/form-check.ts'

export const STEPS = [
  { id: 'source', label: 'Source' },
  { id: 'configuration', label: 'Configuration' },
  { id: 'toolbox', label: 'Toolbox' },
  { id: 'review', label: 'Review' },
] as const
export type StepId = (typeof STEPS)[number]['id']

const SOURCE_FIELDS = new Set<keyof DeployValues | 'root'>([
  'sourceType',
  'catalogSlug',
  'catalogVersion',
  'catalogRuns',
  'configText',
  'package',
  'version',
  'bin',
  'image',
  'url',
])

/** The step on which a field stands. */
export function stepOf(field: keyof DeployValues | 'root'): StepId {
  if (SOURCE_FIELDS.has(field)) return 'source'
  return field === 'toolboxId' ? 'toolbox' : 'configuration'
}

export const indexOf = (step: StepId): number => STEPS.findIndex(({ id }) => id === step)

/** Everything that stands on a step. */
export const fieldsOf = (step: StepId): (keyof DeployValues)[] =>
  (Object.keys(EMPTY_DEPLOY) as (keyof DeployValues)[]).filter((field) => stepOf(field) === step)

/** Fields with an error that stand on a step. */
function wrongOn(step: StepId, errors: FieldErrors<DeployValues>): (keyof DeployValues)[] {
  return (Object.keys(errors) as (keyof DeployValues)[]).filter((field) => stepOf(field) === step)
}

/** The first step that has something to correct; the review when there is none. */
export function firstOpen(errors: FieldErrors<DeployValues>): StepId {
  return STEPS.find(({ id }) => wrongOn(id, errors).length > 0)?.id ?? 'review'
}

/** The step that an address names, or an earlier one that has to be filled in first. */
export function reachable(asked: string | null, values: DeployValues): StepId {
  const wanted = STEPS.find(({ id }) => id === asked)?.id ?? 'source'
  const open = firstOpen(errorsOf(values, checkDeploy(values)))
  return indexOf(wanted) > indexOf(open) ? open : wanted
}
