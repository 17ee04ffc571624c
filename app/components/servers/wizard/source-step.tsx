'use client'

import { Box, ClipboardPaste, Globe, LibraryBig, type LucideIcon, Package } from 'lucide-react'
import { useState } from 'react'
import type { UseFormReturn } from 'react-hook-form'
import { SOURCE_LABELS } from '#app/components/servers/changes.ts'
import type { DeployValues, SourceType } from '#app/components/servers/deploy-values.ts'
import { SourceFields } from '#app/components/servers/source-fields.tsx'
import { CatalogChoice } from '#app/components/servers/wizard/catalog-choice.tsx'
import { ChoiceCard } from '#app/components/servers/wizard/choice-card.tsx'
import { ConfigPaste } from '#app/components/servers/wizard/config-paste.tsx'
import { withoutAsked } from '#app/components/servers/wizard/release-values.ts'
import { setValues } from '#app/components/servers/wizard/set-values.ts'
import { FieldError } from '#app/components/ui/field.tsx'

const SOURCES: { type: SourceType; icon: LucideIcon; hint: string }[] = [
  { type: 'catalog', icon: LibraryBig, hint: 'Ready to run, with a form for what it needs' },
  { type: 'npm', icon: Package, hint: 'Installed and run on a toolbox' },
  { type: 'image', icon: Box, hint: 'Run by Docker on a toolbox' },
  { type: 'remote', icon: Globe, hint: 'Runs elsewhere, called through a toolbox' },
  { type: 'config', icon: ClipboardPaste, hint: 'Out of the settings of Claude, VS Code or Codex' },
]

/** Where the server comes from. */
export function SourceStep({ form }: { form: UseFormReturn<DeployValues> }) {
  const type = form.watch('sourceType')
  const [used, setUsed] = useState<string | null>(null)
  return (
    <>
      <fieldset>
        <legend className="mb-2 text-sm font-medium">Deploy from</legend>
        <div className="grid gap-2.5 sm:grid-cols-2">
          {SOURCES.map((source) => (
            <ChoiceCard
              key={source.type}
              {...form.register('sourceType', {
                // What an entry asked for is not what another source is given.
                onChange: () => {
                  setUsed(null)
                  setValues(form, withoutAsked(form.getValues()))
                },
              })}
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
      {used ? (
        <p role="status" className="rounded-lg bg-ok-soft px-3.5 py-2.5 text-sm text-ok">
          {used} was taken over from the configuration. Continue to see what it runs with.
        </p>
      ) : null}
      {type === 'catalog' ? <CatalogChoice form={form} /> : null}
      {type === 'config' ? <ConfigPaste form={form} onUsed={setUsed} /> : null}
      <SourceFields key={type} form={form} />
    </>
  )
}
