'use client'

import { Box, Globe, type LucideIcon, Package } from 'lucide-react'
import type { UseFormReturn } from 'react-hook-form'
import { SOURCE_LABELS } from '#app/components/servers/changes.ts'
import type { DeployValues, SourceType } from '#app/components/servers/deploy-values.ts'
import { SourceFields } from '#app/components/servers/source-fields.tsx'
import { ChoiceCard } from '#app/components/servers/wizard/choice-card.tsx'
import { FieldError } from '#app/components/ui/field.tsx'

const SOURCES: { type: SourceType; icon: LucideIcon; hint: string }[] = [
  { type: 'npm', icon: Package, hint: 'Installed and run on a toolbox' },
  { type: 'image', icon: Box, hint: 'Run by Docker on a toolbox' },
  { type: 'remote', icon: Globe, hint: 'Runs elsewhere, called through a toolbox' },
]

/** Where the server comes from. */
export function SourceStep({ form }: { form: UseFormReturn<DeployValues> }) {
  const type = form.watch('sourceType')
  return (
    <>
      <fieldset>
        <legend className="mb-2 text-sm font-medium">Deploy from</legend>
        <div className="grid gap-2.5 sm:grid-cols-3">
          {SOURCES.map((source) => (
            <ChoiceCard
              key={source.type}
              {...form.register('sourceType')}
              value={source.type}
              icon={source.icon}
              title={SOURCE_LABELS[source.type]}
              hint={source.hint}
            />
          ))}
        </div>
        <div className="mt-2">
          <FieldError error={form.formState.errors.sourceType?.message} />
        </div>
      </fieldset>
      <SourceFields key={type} form={form} />
    </>
  )
}
