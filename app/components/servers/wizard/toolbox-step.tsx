'use client'

import { Sparkles, ToyBrick } from 'lucide-react'
import Link from 'next/link'
import type { UseFormReturn } from 'react-hook-form'
import { AUTOMATIC, type DeployValues } from '#app/components/servers/deploy-values.ts'
import { askedOf, mostRoom, whyNot } from '#app/components/servers/toolbox-fit.ts'
import { ChoiceCard } from '#app/components/servers/wizard/choice-card.tsx'
import { ToolboxStateBadge } from '#app/components/toolboxes/toolbox-state.tsx'
import { FieldError } from '#app/components/ui/field.tsx'
import { formatBytes } from '#app/components/ui/format.ts'
import { QueryView } from '#app/components/ui/query-view.tsx'
import { trpc } from '#app/trpc/client.ts'
import type { Toolbox } from '#contracts/toolboxes.ts'

const DRIVERS: Record<string, string> = { docker: 'Docker', process: 'Processes' }

function Machine({ toolbox, reason }: { toolbox: Toolbox; reason: string | null }) {
  const { host, room } = toolbox
  const facts = [
    toolbox.driver ? (DRIVERS[toolbox.driver] ?? toolbox.driver) : null,
    room && host
      ? `${formatBytes(Math.max(0, room.memoryMb) * 1024 * 1024)} of ${formatBytes(host.memoryTotalBytes)} of memory left`
      : null,
    room && host ? `${Math.max(0, room.cpus)} CPU left, load ${host.load.toFixed(2)} on ${host.cpus}` : null,
    host ? `${formatBytes(host.diskFreeBytes)} of disk free` : null,
  ].filter((fact) => fact !== null)
  return (
    <>
      <span className="text-[0.8125rem] leading-snug text-muted">{facts.join(' · ')}</span>
      {reason ? <span className="text-[0.8125rem] leading-snug font-medium text-warn">{reason}</span> : null}
    </>
  )
}

/** Where it shall run: found by free memory, or chosen; what cannot take it says why. */
export function ToolboxStep({ form }: { form: UseFormReturn<DeployValues> }) {
  const toolboxes = trpc.toolboxes.list.useQuery()
  const [sourceType, catalogRuns, memoryMb, cpus] = form.watch([
    'sourceType',
    'catalogRuns',
    'memoryMb',
    'cpus',
  ])
  const asked = askedOf({ sourceType, catalogRuns, memoryMb, cpus })
  return (
    <QueryView query={toolboxes}>
      {({ items }) => {
        const best = mostRoom(items, asked)
        return (
          <fieldset className="grid gap-2.5">
            <legend className="mb-2 text-sm font-medium">Runs on</legend>
            <ChoiceCard
              {...form.register('toolboxId')}
              value={AUTOMATIC}
              icon={Sparkles}
              title="Automatic"
              hint={
                best
                  ? `The active toolbox with the most room: now that is ${best.name}.`
                  : 'The active toolbox with the most room: now there is none that can take it.'
              }
            />
            {items.map((toolbox) => {
              const reason = whyNot(toolbox, asked)
              return (
                <ChoiceCard
                  key={toolbox.id}
                  {...form.register('toolboxId')}
                  value={toolbox.id}
                  // One that became full while it was chosen stays chosen, so that nothing moves by itself.
                  disabled={reason !== null && form.getValues('toolboxId') !== toolbox.id}
                  icon={ToyBrick}
                  title={
                    <>
                      <span className="truncate">{toolbox.name}</span>
                      <ToolboxStateBadge state={toolbox.state} />
                    </>
                  }
                  aside={<Machine toolbox={toolbox} reason={reason} />}
                />
              )
            })}
            <FieldError error={form.formState.errors.toolboxId?.message} />
            {best ? null : (
              <p role="status" className="rounded-lg bg-warn-soft px-3.5 py-2.5 text-sm text-warn">
                No toolbox can take this server at the moment, so the deployment would be refused.{' '}
                <Link href="/admin/toolboxes" className="rounded font-medium underline underline-offset-3">
                  Look at the toolboxes
                </Link>
              </p>
            )}
          </fieldset>
        )
      }}
    </QueryView>
  )
}
